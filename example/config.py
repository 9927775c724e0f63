"""Two programs on every host: a service that runs on, and a worker that counts and ends.

    fab run --config example/config.py
    fab run --config example/config.py --arg-parser example/extra_args_parser.py \\
        --extra-args "--hosts node1,node2,localhost --count 5"

A config file is a program that fills `config`. It finds `config`, `Component`, `util`, `options`,
`extra_options` and `localhost` ready; paths are relative to the folder that holds it.
"""

hosts = extra_options.hosts if extra_options else [localhost]
count = extra_options.count if extra_options else 3

# What all components have in common. `add_component` adds a copy, so one object serves for all.
component = Component()

for start_index, program in enumerate(("service", "worker"), 1):
    for host in hosts:
        component.name = f"{program}-{host}"
        component.host = host
        component.start_index = start_index  # all services run before the first worker is started
        component.executable = f"programs/{program}.sh"
        component.args = [program, "on", host]
        component.wait = False
        if program == "worker":
            component.args = [str(count), "$HOME is home here"]  # the host replaces $HOME
            component.wait = True  # `fab run` returns when all workers have ended

        if host == localhost:
            component.files = {}  # nothing is copied: programs are run where they are
            component.base_dir = None
        else:
            component.base_dir = "~/remote-runner-example"
            component.files = util.recursive_files_dict("data", "data")
            component.files["programs"] = "programs"  # a folder brings its whole tree
        config.add_component(component)

"""Run two programs on every host: a service that runs on, and a worker that counts and exits.

    fab run --config example/config.py
    fab run --config example/config.py --arg-parser example/extra_args_parser.py \\
        --extra-args "--hosts node1,node2,localhost --count 5"

A config file is a Python program that adds components to `config`. The names `config`, `Component`, `util`, `options`,
`extra_options` and `localhost` are predefined. Relative paths start at the folder of this file.
"""

hosts = extra_options.hosts if extra_options else [localhost]
count = extra_options.count if extra_options else 3

# `add_component` adds a copy, so this object can be changed and added again.
component = Component()

for start_index, program in enumerate(("service", "worker"), 1):
    for host in hosts:
        component.name = f"{program}-{host}"
        component.host = host
        component.start_index = start_index  # all services start before the first worker
        component.executable = f"programs/{program}.sh"
        component.args = [program, "on", host]
        component.wait = False
        if program == "worker":
            component.args = [str(count), "$HOME is home here"]  # $HOME is expanded on the host
            component.wait = True  # `fab run` waits for all workers

        if host == localhost:
            component.files = {}  # programs run in place, without a copy
            component.base_dir = None
        else:
            component.base_dir = "~/remote-runner-example"
            component.files = util.recursive_files_dict("data", "data")
            component.files["programs"] = "programs"  # copies the folder with all its files
        config.add_component(component)

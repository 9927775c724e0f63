# Check that `get` returns the values of `put`. The steps are described in docs/muddlers.md.
start server
await server listening
start client
await client connected
feed client queries/puts.txt
send client 'get two'
await client '^get two: II$'
send client 'get five'
await client '^get five: nothing$'
refuse client '^get .*: I$'
close client
end client

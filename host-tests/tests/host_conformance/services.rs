//! Properties, metrics, shared data, queues, calls, clock, environment, WASI.

use crate::kit::{PLAIN, Row, headers};

pub const ROWS: &[Row] = &[
    Row {
        fact: "request properties exist while the request's headers are live, the rest always",
        probe: &[
            (
                "request_headers",
                "(call $property 'path' 'request\\00path') (call $property 'host' 'request\\00host') (call $property 'method' 'request\\00method')
                 (call $property 'header' 'request\\00headers\\00x-a') (call $property 'url' 'request\\00url_path')
                 (call $property 'route' 'xds\\00route_name') (call $property 'cluster' 'xds\\00cluster_name')
                 (call $property 'host' 'xds\\00virtual_host_name') (call $property 'code' 'response\\00code') #0",
            ),
            (
                "response_headers",
                "(call $property 'path' 'request\\00path') (call $property 'header' 'request\\00headers\\00x-a')
                 (call $property 'protocol' 'request\\00protocol') (call $property 'own' 'response\\00headers\\00content-type')
                 (call $property 'name' 'plugin_name') (call $property 'root' 'plugin_root_id') (call $property 'vm' 'plugin_vm_id') #0",
            ),
            ("response_body", "(if (local.get $end) (then (call $property 'gone' 'response\\00headers\\00content-type'))) #0"),
        ],
        exchange: |e| e.request.headers.extend(headers(&[("x-a", "1")])),
        says: &[
            "path=0:/p?q=1", "host=0:a.example", "method=0:GET", "header=0:1", "url=0:/p", "route=0:", "cluster=0:application",
            "host=0:application", "code=1:", "path=1:", "header=1:", "protocol=0:HTTP/1.1", "own=0:text/plain", "name=0:keepmum",
            "root=0:keepmum", "vm=0:keepmum", "gone=1:",
        ],
        ..PLAIN
    },
    Row {
        fact: "names that do not exist any more",
        probe: &[(
            "response_headers",
            "(call $property 'a' 'route_name') (call $property 'b' 'cluster_name') (call $property 'c' 'node\\00id')
             (call $property 'd' 'listener_direction') (call $property 'e' 'no_such') #0",
        )],
        says: &["a=1:", "b=1:", "c=1:", "d=1:", "e=1:"],
        ..PLAIN
    },
    Row {
        fact: "set_property is read back under the same name",
        probe: &[
            ("request_headers", "(call $say 'set' (call $set_property 'note' 'x')) #0"),
            ("log", "(call $property 'note' 'note')"),
        ],
        says: &["set=0", "note=0:x"],
        ..PLAIN
    },
    Row {
        fact: "no stream, no property to set",
        probe: &[("configure", "(call $say 'set' (call $set_property 'note' 'x')) #1")],
        says: &["set=1"],
        ..PLAIN
    },
    Row {
        fact: "metric ids step by four, by kind; a second definition is a new id of the same metric",
        probe: &[(
            "configure",
            "(call $say 's' (call $define_metric #0 'a.b' #16)) (call $say 'id' (i32.load #16))
             (call $say 's' (call $define_metric #0 'a.b' #16)) (call $say 'id' (i32.load #16))
             (call $say 's' (call $define_metric #1 'g' #16)) (call $say 'id' (i32.load #16))
             (call $say 's' (call $define_metric #2 'h' #16)) (call $say 'id' (i32.load #16))
             (call $say 's' (call $define_metric #3 'x' #16))
             (call $say 'inc' (call $increment_metric #4 (i64.const 2))) (call $say 'rec' (call $record_metric #8 (i64.const 3)))
             (call $say 'get' (call $get_metric #8 #32))
             (call $say 'zero' (call $increment_metric #4 (i64.const 0))) (call $say 'down' (call $increment_metric #4 (i64.const -1)))
             (call $say 'gauge' (call $increment_metric #5 (i64.const -1))) (call $say 'histogram' (call $get_metric #6 #32))
             (call $say 'inc' (call $increment_metric #6 (i64.const 1))) (call $say 'record' (call $record_metric #6 (i64.const 1)))
             (call $say 'none' (call $get_metric #40 #32)) (call $say 'none' (call $record_metric #40 (i64.const 1))) #1",
        )],
        says: &[
            "s=0", "id=4", "s=0", "id=8", "s=0", "id=5", "s=0", "id=6", "s=2", "inc=0", "rec=0", "get=0", "zero=2", "down=2", "gauge=0",
            "histogram=2", "inc=2", "record=0", "none=1", "none=1",
        ],
        strict: true,
        ..PLAIN
    },
    Row {
        fact: "shared data: compare-and-swap",
        probe: &[(
            "request_headers",
            "(call $say 'none' (call $get_shared 'k' #16 #20 #24)) (call $say 'set' (call $set_shared 'k' 'one' #0))
             (call $told 'get' (call $get_shared 'k' #16 #20 #24)) (call $say 'wrong' (call $set_shared 'k' 'two' #77))
             (call $say 'right' (call $set_shared 'k' 'two' (i32.load #24))) (call $told 'get' (call $get_shared 'k' #16 #20 #24))
             (call $say 'any' (call $set_shared 'k' 'three' #0)) #0",
        )],
        says: &["none=1", "set=0", "get=0:one", "wrong=8", "right=0", "get=0:two", "any=0"],
        ..PLAIN
    },
    Row {
        fact: "queues",
        probe: &[(
            "request_headers",
            "(call $say 'none' (call $resolve_queue 'keepmum' 'q' #24)) (call $say 'new' (call $register_queue 'q' #24))
             (call $say 'empty' (call $dequeue (i32.load #24) #16 #20)) (call $say 'put' (call $enqueue (i32.load #24) 'item'))
             (call $say 'found' (call $resolve_queue 'keepmum' 'q' #28)) (call $told 'got' (call $dequeue (i32.load #28) #16 #20))
             (call $say 'bad' (call $dequeue #99 #16 #20)) #0",
        )],
        says: &["none=1", "new=0", "empty=7", "put=0", "found=0", "got=0:item", "bad=1"],
        ..PLAIN
    },
    Row {
        fact: "foreign functions that do not exist, and done out of turn",
        probe: &[("request_headers", "(call $say 'foreign' (call $foreign 'no_such' #0 #0 #16 #20)) (call $say 'done' (call $done)) #0")],
        says: &["foreign=1", "done=1"],
        ..PLAIN
    },
    Row {
        fact: "http_call: an unknown cluster, and a request that is not whole",
        probe: &[(
            "request_headers",
            "(call $say 'cluster' (call $http_call 'nowhere' #0 #0 #0 #0 #0 #0 #1000 #16))
             (call $say 'headers' (call $http_call 'application' #0 #0 #0 #0 #0 #0 #1000 #16)) #0",
        )],
        options: |o| drop(o.clusters.insert("application".into(), Vec::new())),
        says: &["cluster=2", "headers=2"],
        strict: true,
        ..PLAIN
    },
    Row {
        fact: "an effective context must exist",
        probe: &[("request_headers", "(call $say 'root' (call $set_effective #1)) (call $say 'none' (call $set_effective #999)) #0")],
        says: &["root=0", "none=2"],
        strict: true,
        ..PLAIN
    },
    Row {
        fact: "log levels: 6 and more are refused",
        probe: &[("request_headers", "(call $say 'six' (call $log #6 #0 #0)) (call $say 's' (call $get_log_level #16)) (call $say 'level' (i32.load #16)) #0")],
        says: &["six=2", "s=0", "level=0"],
        strict: true,
        ..PLAIN
    },
    Row {
        fact: "standard output is an info line without its newline, an unknown file is BADF",
        probe: &[(
            "request_headers",
            "(call $put 'ab-cd\\0a') (global.set $line #64)
             (i32.store #32 #4096) (i32.store #36 #3) (i32.store #40 #4099) (i32.store #44 #3)
             (call $say 'out' (call $fd_write #1 #32 #2 #16)) (call $say 'n' (i32.load #16))
             (call $say 'bad' (call $fd_write #7 #32 #2 #16)) (call $say 'open' (call $path_open #3 #0 #0 #0 #0 (i64.const 0) (i64.const 0) #0 #16)) #0",
        )],
        says: &["ab-cd", "out=0", "n=6", "bad=8", "open=44"],
        ..PLAIN
    },
    Row {
        fact: "the environment, the clocks, randomness",
        probe: &[(
            "configure",
            "(call $say 's' (call $environ_sizes_get #16 #20)) (call $say 'count' (i32.load #16)) (call $say 'size' (i32.load #20))
             (call $say 'get' (call $environ_get #32 #200)) (i32.store #16 #200) (i32.store #20 #3) (call $told 'first' #0)
             (call $say 'real' (call $clock_time_get #0 (i64.const 1) #32)) (call $say 'mono' (call $clock_time_get #1 (i64.const 1) #32))
             (call $say 'cpu' (call $clock_time_get #2 (i64.const 1) #32)) (call $say 'random' (call $random_get #32 #8))
             (call $say 'much' (call $random_get #131072 #65537)) (call $say 'time' (call $get_time #32)) #1",
        )],
        options: |o| o.environment = vec![("K".into(), "v".into())],
        says: &["s=0", "count=1", "size=4", "get=0", "first=0:K=v", "real=0", "mono=0", "cpu=58", "random=0", "much=28", "time=0"],
        ..PLAIN
    },
    Row {
        fact: "which properties exist in request headers, the last body call and the log, and how long they are",
        probe: &[
            (
                "raw",
                "(func $one (param $name i32) (param $len i32)
                   (local $status i32)
                   (i64.store #16 (i64.const 0))
                   (local.set $status (call $get_property (local.get $name) (local.get $len) #16 #20))
                   (call $put_byte #32) (call $put_number (local.get $status))
                   (call $put_byte #58) (call $put_number (i32.load #20)))
                 (func $all
                   (call $one 'request\\00time') (call $one 'request\\00size') (call $one 'request\\00total_size')
                   (call $one 'request\\00duration') (call $one 'request\\00id') (call $one 'request\\00query') (call $flush)
                   (call $one 'source\\00port') (call $one 'destination\\00port') (call $one 'connection\\00id')
                   (call $one 'connection\\00mtls') (call $one 'upstream\\00port') (call $one 'source') (call $flush)
                   (call $one 'response\\00code') (call $one 'response\\00code_details') (call $one 'response\\00flags')
                   (call $one 'response\\00size') (call $one 'response\\00grpc_status') (call $one 'response\\00backend_latency') (call $flush)
                   (call $one 'xds\\00listener_direction') (call $one 'connection\\00requested_server_name') (call $one 'metadata') (call $flush))",
            ),
            ("request_headers", "(call $all) #0"),
            ("response_body", "(if (local.get $end) (then (call $all))) #0"),
            ("log", "(call $all)"),
        ],
        says: &[
            " 0:8 0:8 0:8 1:0 1:0 0:3", " 0:8 0:8 0:8 0:1 1:0 3:0", " 1:0 1:0 0:8 0:8 1:0 1:0", " 0:8 0:0 0:0",
            " 0:8 0:8 0:8 1:0 1:0 1:0", " 0:8 0:8 0:8 0:1 0:8 3:0", " 0:8 0:12 0:8 0:8 0:8 0:8", " 0:8 0:0 0:0",
            " 0:8 0:8 0:8 0:8 1:0 0:3", " 0:8 0:8 0:8 0:1 0:8 3:0", " 0:8 0:12 0:8 0:8 0:8 0:8", " 0:8 0:0 0:0",
        ],
        strict: true,
        ..PLAIN
    },
    Row {
        fact: "all request headers as a property: an empty map once they are gone",
        probe: &[("response_headers", "(call $told 'map' (call $get_property 'request\\00headers' #16 #20)) #0")],
        says: &["map=0:\0\0\0\0"],
        ..PLAIN
    },
];

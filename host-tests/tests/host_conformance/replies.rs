//! Local replies, continue, close.

use keepmum_host_tests::exchange::Origin;

use crate::kit::{PLAIN, Row, headers, post};

pub const ROWS: &[Row] = &[
    Row {
        fact: "the connection fails: the 503 comes through the response callbacks",
        probe: &[
            (
                "response_headers",
                "(call $header 'status' #2 ':status') (call $say 'n' (local.get $n)) (call $say 'end' (local.get $end))
                 (drop (call $remove #2 'content-length')) #0",
            ),
            (
                "response_body",
                "(call $say 'n' (local.get $n)) (call $say 'end' (local.get $end)) (drop (call $set_buffer #1 #0 #999 'gone')) #0",
            ),
        ],
        exchange: |e| {
            e.origin = Origin::ConnectFailure;
            e.response = keepmum_host_tests::replay::connect_failure();
        },
        says: &["status=0:503", "n=3", "end=0", "n=98", "end=1"],
        client: "503 Complete gone",
        ..PLAIN
    },
    Row {
        fact: "own reply from request headers runs the own response callbacks",
        probe: &[
            (
                "request_headers",
                "(call $say 'r' (call $reply #403 'why' 'no' '\\01\\00\\00\\00\\03\\00\\00\\00\\01\\00\\00\\00x-a\\001\\00' #-1)) #0",
            ),
            (
                "response_headers",
                "(call $say 'n' (local.get $n)) (call $header 'a' #2 'x-a') (call $header 'length' #2 'content-length') #0",
            ),
            (
                "response_body",
                "(call $body 'b' #1 #0 #99) (call $say 'end' (local.get $end)) #0",
            ),
        ],
        says: &["r=0", "n=4", "a=0:1", "length=0:2", "b=0:no", "end=1"],
        client: "403 Complete no",
        headers: &["x-a=1", "content-length=2", "content-type=text/plain"],
        ..PLAIN
    },
    Row {
        fact: "a reply without a body has neither length nor type, and one callback",
        probe: &[
            ("request_headers", "(drop (call $reply #403 'why' #0 #0 #0 #0 #-1)) #0"),
            (
                "response_headers",
                "(call $say 'n' (local.get $n)) (call $say 'end' (local.get $end)) #0",
            ),
            ("response_body", "(call $say 'body' #1) #0"),
        ],
        says: &["n=1", "end=1"],
        client: "403 Complete",
        ..PLAIN
    },
    Row {
        fact: "own reply from response headers replaces the response, without callbacks",
        probe: &[
            (
                "response_headers",
                "(call $say 'n' #1) (drop (call $reply #500 'why' 'no' #0 #0 #-1)) #0",
            ),
            ("response_body", "(call $say 'body' #1) #0"),
        ],
        says: &["n=1"],
        client: "500 Complete no",
        headers: &["content-length=2", "content-type=text/plain"],
        ..PLAIN
    },
    Row {
        fact: "own reply from the response body, headers sent: reset",
        probe: &[(
            "response_body",
            "(call $say 'n' (local.get $n)) (drop (call $reply #500 'why' 'no' #0 #0 #-1)) #0",
        )],
        says: &["n=6"],
        client: "200 Reset",
        ..PLAIN
    },
    Row {
        fact: "own reply from the request body stops the request",
        probe: &[
            (
                "request_body",
                "(call $say 'n' (local.get $n)) (drop (call $reply #413 'why' 'big' #0 #0 #-1)) #0",
            ),
            ("response_headers", "(call $header 'status' #2 ':status') #0"),
        ],
        exchange: post,
        says: &["n=3", "status=0:413"],
        client: "413 Complete big",
        ..PLAIN
    },
    Row {
        fact: "continue inside a headers callback that pauses: headers go, the body never comes",
        probe: &[
            ("response_headers", "(call $say 'c' (call $continue #1)) #1"),
            ("response_body", "(call $say 'n' (local.get $n)) #0"),
        ],
        says: &["c=0"],
        client: "200 Hang",
        headers: &["content-type=text/plain"],
        ..PLAIN
    },
    Row {
        fact: "continue inside a body callback that pauses lets the earlier pieces go",
        probe: &[(
            "response_body",
            "(if (local.get $end) (then (drop (call $continue #1)))) #1",
        )],
        client: "200 Complete hello world",
        ..PLAIN
    },
    Row {
        fact: "close from the response body: reset",
        probe: &[(
            "response_body",
            "(call $say 'n' (local.get $n)) (call $say 'c' (call $close #1)) #0",
        )],
        says: &["n=6", "c=0"],
        client: "200 Reset",
        ..PLAIN
    },
    Row {
        fact: "close from request headers: reset, and no upstream",
        probe: &[
            ("request_headers", "(call $say 'c' (call $close #0)) #0"),
            ("response_headers", "(call $say 'response' #1) #0"),
        ],
        says: &["c=0"],
        client: "0 Reset",
        ..PLAIN
    },
    Row {
        fact: "stream kinds: downstream does nothing, upstream is unimplemented, others are refused",
        probe: &[(
            "response_headers",
            "(call $say 'down' (call $continue #2)) (call $say 'up' (call $continue #3)) (call $say 'bad' (call $continue #4)) (call $say 'close' (call $close #4)) #0",
        )],
        says: &["down=0", "up=12", "bad=2", "close=2"],
        strict: true,
        ..PLAIN
    },
    Row {
        fact: "a gRPC client gets its reply as a trailers-only response",
        probe: &[
            ("request_headers", "(drop (call $reply #403 'why' 'no' #0 #0 #-1)) #0"),
            (
                "response_headers",
                "(call $header 'status' #2 'grpc-status') (call $header 'message' #2 'grpc-message') (call $say 'end' (local.get $end)) #0",
            ),
        ],
        exchange: |e| {
            post(e);
            e.request
                .headers
                .extend(headers(&[("content-type", "application/grpc"), ("te", "trailers")]));
        },
        says: &["status=0:7", "message=0:no", "end=1"],
        client: "200 Complete",
        headers: &["content-type=application/grpc", "grpc-status=7", "grpc-message=no"],
        ..PLAIN
    },
    Row {
        fact: "callbacks in order, log before done",
        probe: &[
            ("context_create", "(call $say 'create' (local.get $parent))"),
            ("vm_start", "(call $say 'start' (local.get $n)) #1"),
            ("configure", "(call $say 'configure' (local.get $n)) #1"),
            ("request_headers", "(call $say 'request' (local.get $end)) #0"),
            ("response_headers", "(call $say 'response' (local.get $end)) #0"),
            ("log", "(call $say 'log' #1)"),
            ("done", "(call $say 'done' #1) #1"),
            ("delete", "(call $say 'delete' #1)"),
        ],
        says: &[
            "create=0",
            "start=0",
            "configure=2",
            "create=1",
            "request=1",
            "response=0",
            "log=1",
            "done=1",
            "delete=1",
        ],
        ..PLAIN
    },
    Row {
        fact: "a request over the limit: the 413 comes before the module's own reply",
        probe: &[(
            "request_body",
            "(if (i32.gt_u (local.get $n) #6000) (then (drop (call $reply #418 'd' 'tea' #0 #0 #-1)))) #1",
        )],
        options: |o| o.buffer_limit = 8000,
        exchange: |e| {
            post(e);
            e.request.body = vec![vec![b'a'; 5000], vec![b'b'; 5000]];
        },
        client: "413 Complete Payload Too Large",
        ..PLAIN
    },
];

//! Header and trailer maps.

use crate::kit::{PLAIN, Row, headers};

pub const ROWS: &[Row] = &[
    Row {
        fact: "get gives the first of several values",
        probe: &[("response_headers", "(call $header 'v' #2 'Set-Cookie') (call $header 'no' #2 'x-none') #0")],
        says: &["v=0:a=1", "no=1:"],
        headers: &["set-cookie=a=1", "set-cookie=b=2"],
        ..PLAIN
    },
    Row {
        fact: "replace collapses duplicates and moves last",
        probe: &[("response_headers", "(call $say 's' (call $replace #2 'set-cookie' 'c=3')) #0")],
        exchange: |e| e.response.headers.push((b"x-after".to_vec(), b"1".to_vec())),
        says: &["s=0"],
        headers: &["x-after=1", "set-cookie=c=3"],
        ..PLAIN
    },
    Row {
        fact: "add keeps what is there, remove takes all",
        probe: &[(
            "response_headers",
            "(drop (call $add #2 'set-cookie' 'c=3')) (drop (call $add #2 'x-new' '1')) (drop (call $add #2 'x-gone' '1'))
             (drop (call $remove #2 'X-Gone')) (call $say 'absent' (call $remove #2 'x-none')) #0",
        )],
        says: &["absent=0"],
        headers: &["set-cookie=a=1", "set-cookie=b=2", "set-cookie=c=3", "x-new=1"],
        ..PLAIN
    },
    Row {
        fact: "a header with a slot of its own joins its values",
        probe: &[("response_headers", "(call $header 'v' #2 'vary') (drop (call $add #2 'vary' 'c')) #0")],
        exchange: |e| e.response.headers.extend(headers(&[("vary", "a"), ("vary", "b")])),
        says: &["v=0:a,b"],
        headers: &["vary=a,b,c"],
        ..PLAIN
    },
    Row {
        fact: "get_pairs and set_pairs keep order and duplicates",
        probe: &[(
            "response_headers",
            "(call $say 'get' (call $get_pairs #2 #16 #20))
             (call $say 'set' (call $set_pairs #2 (i32.load #16) (i32.load #20))) (i64.store #16 (i64.const 0)) #0",
        )],
        says: &["get=0", "set=0"],
        headers: &["content-type=text/plain", "set-cookie=a=1", "set-cookie=b=2"],
        ..PLAIN
    },
    Row {
        fact: "set_pairs with a malformed blob deletes every response header: 502",
        probe: &[("response_headers", "(call $say 's' (call $set_pairs #2 '\\05\\00\\00\\00')) #0")],
        says: &["s=0"],
        client: "502 Complete missing required header: :status",
        strict: true,
        ..PLAIN
    },
    Row {
        fact: "set_pairs with a malformed blob deletes every request header: 404",
        probe: &[("request_headers", "(call $say 's' (call $set_pairs #0 '\\05\\00\\00\\00')) #0")],
        says: &["s=0"],
        client: "404 Complete",
        strict: true,
        ..PLAIN
    },
    Row {
        fact: "a request without a path finds no route: 404",
        probe: &[("request_headers", "(drop (call $remove #0 ':path')) #0")],
        client: "404 Complete",
        ..PLAIN
    },
    Row {
        fact: "maps that are not live refuse, and give no pairs",
        probe: &[
            (
                "request_headers",
                "(call $header 'response' #2 'a') (call $say 'add' (call $add #2 'a' 'b')) (call $say 'size' (call $get_size #2 #16))
                 (call $say 'remove' (call $remove #2 'a')) (call $say 'set' (call $set_pairs #2 #0 #0)) (call $told 'pairs' (call $get_pairs #2 #16 #20)) #0",
            ),
            ("response_headers", "(call $header 'request' #0 ':path') #0"),
            ("response_body", "(if (local.get $end) (then (call $header 'gone' #2 ':status') (call $say 'kind' (call $add #8 'a' 'b')))) #0"),
        ],
        says: &["response=2:", "add=2", "size=2", "remove=2", "set=2", "pairs=0:", "request=2:", "gone=2:", "kind=2"],
        strict: true,
        ..PLAIN
    },
    Row {
        fact: "size is in bytes",
        probe: &[("response_headers", "(drop (call $set_pairs #2 '\\01\\00\\00\\00\\07\\00\\00\\00\\03\\00\\00\\00:status\\00200\\00')) (call $say 's' (call $get_size #2 #16)) (call $say 'bytes' (i32.load #16)) #0")],
        says: &["s=0", "bytes=10"],
        ..PLAIN
    },
    Row {
        fact: "in on_log headers are readable, not writable",
        probe: &[(
            "log",
            "(call $header 'path' #0 ':path') (call $header 'status' #2 ':status') (call $header 'trailer' #3 'x-t') (call $header 'none' #1 'x-t')
             (call $say 'add' (call $add #2 'a' 'b')) (call $say 'size' (call $get_size #2 #16))",
        )],
        exchange: |e| e.response.trailers = Some(headers(&[("x-t", "1")])),
        says: &["path=0:/p?q=1", "status=0:200", "trailer=0:1", "none=1:", "add=2", "size=2"],
        client: "200 Complete hello world + x-t: 1",
        strict: true,
        ..PLAIN
    },
    Row {
        fact: "on_log without trailers: not found",
        probe: &[("log", "(call $header 'trailer' #3 'x-t')")],
        says: &["trailer=1:"],
        ..PLAIN
    },
    Row {
        fact: "trailers are editable in their callback",
        probe: &[("response_trailers", "(drop (call $replace #3 'x-t' '2')) (drop (call $add #3 'x-u' '3')) #0")],
        exchange: |e| e.response.trailers = Some(headers(&[("x-t", "1")])),
        client: "200 Complete hello world + x-t: 2 + x-u: 3",
        ..PLAIN
    },
    Row {
        fact: "values may hold bytes over 0x7f",
        probe: &[("response_headers", "(call $header 'v' #2 'x-b') (drop (call $add #2 'x-c' '\\c3\\bc')) #0")],
        exchange: |e| e.response.headers.push((b"x-b".to_vec(), "ü".as_bytes().to_vec())),
        says: &["v=0:ü"],
        headers: &["x-b=ü", "x-c=ü"],
        ..PLAIN
    },
    Row {
        fact: "two cookies of an HTTP/1 request are two entries",
        probe: &[("request_headers", "(call $header 'v' #0 'cookie') #0")],
        exchange: |e| e.request.headers.extend(headers(&[("cookie", "a=1"), ("cookie", "b=2")])),
        says: &["v=0:a=1"],
        ..PLAIN
    },
    Row {
        fact: "bad pointers answer 6",
        probe: &[(
            "response_headers",
            "(call $say 'get' (call $get_value #2 #-1 #5 #16 #20)) (call $say 'out' (call $get_value #2 ':status' #-4 #20))
             (call $say 'log' (call $log #2 #-16 #32)) #0",
        )],
        says: &["get=6", "out=6", "log=6"],
        strict: true,
        ..PLAIN
    },
];

//! Pause codes, buffers, limits, ends.

use keepmum_host_tests::exchange::End;
use keepmum_host_tests::host::Profile;

use crate::kit::{PLAIN, Row, headers, pieces, post};

pub const ROWS: &[Row] = &[
    Row {
        fact: "HTTP/1: each piece is a call, and the end is an empty one",
        probe: &[
            ("response_headers", "(call $say 'headers' (local.get $end)) #0"),
            ("response_body", "(call $say 'n' (local.get $n)) (call $say 'end' (local.get $end)) #0"),
        ],
        says: &["headers=0", "n=6", "end=0", "n=5", "end=0", "n=0", "end=1"],
        ..PLAIN
    },
    Row {
        fact: "HTTP/2: the last piece carries the end",
        probe: &[("response_body", "(call $say 'n' (local.get $n)) (call $say 'end' (local.get $end)) #0")],
        options: |o| o.http2 = true,
        says: &["n=6", "end=0", "n=5", "end=1"],
        ..PLAIN
    },
    Row {
        fact: "with trailers no body call carries the end",
        probe: &[
            ("response_body", "(call $say 'n' (local.get $n)) (call $say 'end' (local.get $end)) #0"),
            ("response_trailers", "(call $say 'trailers' (local.get $n)) #0"),
        ],
        exchange: |e| e.response.trailers = Some(headers(&[("x-sum", "1"), ("x-more", "2")])),
        says: &["n=6", "end=0", "n=5", "end=0", "trailers=2"],
        client: "200 Complete hello world + x-sum: 1 + x-more: 2",
        ..PLAIN
    },
    Row {
        fact: "without a body there is only the headers call, with the end",
        probe: &[
            ("response_headers", "(call $say 'end' (local.get $end)) #0"),
            ("response_body", "(call $say 'body' (local.get $n)) #0"),
        ],
        exchange: |e| {
            e.response.headers[0].1 = b"204".to_vec();
            e.response.body.clear();
        },
        says: &["end=1"],
        client: "204 Complete",
        ..PLAIN
    },
    Row {
        fact: "Pause on the body gathers what came before",
        probe: &[(
            "response_body",
            "(call $say 'n' (local.get $n))
             (if (local.get $end) (then (drop (call $set_buffer #1 #0 (local.get $n) 'whole'))))
             (select #0 #1 (local.get $end))",
        )],
        says: &["n=6", "n=11", "n=11"],
        client: "200 Complete whole",
        ..PLAIN
    },
    Row {
        fact: "a gathered body is readable and replaceable in the trailers callback",
        probe: &[
            ("response_body", "#1"),
            (
                "response_trailers",
                "(call $body 'b' #1 #0 #100) (call $say 'set' (call $set_buffer #1 #0 #100 'new')) #0",
            ),
        ],
        exchange: |e| e.response.trailers = Some(headers(&[("x-sum", "1")])),
        says: &["b=0:hello world", "set=0"],
        client: "200 Complete new + x-sum: 1",
        ..PLAIN
    },
    Row {
        fact: "after Continue the trailers callback may not write the body",
        probe: &[
            ("response_body", "#0"),
            ("response_trailers", "(call $body 'b' #1 #0 #100) (call $say 'set' (call $set_buffer #1 #0 #100 'new')) #0"),
        ],
        exchange: |e| e.response.trailers = Some(headers(&[("x-sum", "1")])),
        says: &["b=0:", "set=2"],
        client: "200 Complete hello world + x-sum: 1",
        strict: true,
        ..PLAIN
    },
    Row {
        fact: "NoBuffer drops the piece, and a write in the trailers callback is lost",
        probe: &[
            ("response_body", "#3"),
            ("response_trailers", "(call $say 'set' (call $set_buffer #1 #0 #100 'new')) #0"),
        ],
        exchange: |e| e.response.trailers = Some(headers(&[("x-sum", "1")])),
        says: &["set=0"],
        client: "200 Complete + x-sum: 1",
        strict: true,
        ..PLAIN
    },
    Row {
        fact: "NoBuffer until the end, then written whole",
        probe: &[(
            "response_body",
            "(call $say 'n' (local.get $n))
             (if (local.get $end) (then (drop (call $set_buffer #1 #0 #0 'mine'))))
             (select #0 #3 (local.get $end))",
        )],
        says: &["n=6", "n=5", "n=0"],
        client: "200 Complete mine",
        ..PLAIN
    },
    Row {
        fact: "Watermark keeps the pieces out of reach and gives each alone",
        probe: &[(
            "response_body",
            "(call $say 'n' (local.get $n)) (call $body 'b' #1 #0 #100) (select #0 #2 (local.get $end))",
        )],
        says: &["n=6", "b=0:hello ", "n=5", "b=0:world", "n=0", "b=0:"],
        ..PLAIN
    },
    Row {
        fact: "Watermark stalls at the limit",
        probe: &[("response_body", "(call $say 'n' (local.get $n)) (select #0 #2 (local.get $end))")],
        options: |o| o.buffer_limit = 8000,
        exchange: |e| e.response.body = vec![vec![b'a'; 7000], vec![b'b'; 7000], vec![b'c'; 7000], vec![b'd'; 7000]],
        says: &["n=7000", "n=7000"],
        client: "200 Hang",
        ..PLAIN
    },
    Row {
        fact: "Pause on headers by default: no body call, and the client hangs",
        probe: &[("response_headers", "#1"), ("response_body", "(call $say 'n' (local.get $n)) #0")],
        client: "0 Hang",
        ..PLAIN
    },
    Row {
        fact: "Pause on headers with allow_on_headers_stop_iteration: headers wait for the body",
        probe: &[
            ("response_headers", "(i32.eqz (local.get $end))"),
            (
                "response_body",
                "(drop (call $set_buffer #1 #0 #100 'x'))
                 (if (local.get $end) (then (call $say 'add' (call $add #2 'x-late' 'yes'))))
                 (select #0 #1 (local.get $end))",
            ),
        ],
        options: |o| o.allow_on_headers_stop_iteration = true,
        says: &["add=0"],
        client: "200 Complete x",
        headers: &["x-late=yes"],
        ..PLAIN
    },
    Row {
        fact: "a headers callback that answers 2 continues",
        probe: &[("response_headers", "#2")],
        ..PLAIN
    },
    Row {
        fact: "a body callback that answers more than 3 is NoBuffer",
        probe: &[("response_body", "(select #0 #9 (local.get $end))")],
        client: "200 Complete",
        ..PLAIN
    },
    Row {
        fact: "held headers can become a clean reply in the last body call",
        probe: &[
            ("response_headers", "(i32.eqz (local.get $end))"),
            (
                "response_body",
                "(if (local.get $end) (then (drop (call $reply #500 'd' 'no' #0 #0 #-1)))) #1",
            ),
        ],
        options: |o| o.allow_on_headers_stop_iteration = true,
        client: "500 Complete no",
        headers: &["content-length=2", "content-type=text/plain"],
        ..PLAIN
    },
    Row {
        fact: "request over the limit: 413, through the response callbacks",
        probe: &[
            ("request_body", "(call $say 'n' (local.get $n)) #1"),
            ("response_headers", "(call $header 'status' #2 ':status') #0"),
            ("response_body", "(call $body 'b' #1 #0 #100) (call $say 'end' (local.get $end)) #0"),
        ],
        options: |o| o.buffer_limit = 8000,
        exchange: |e| {
            post(e);
            e.request.body = vec![vec![b'a'; 5000], vec![b'b'; 5000]];
        },
        says: &["n=5000", "n=10000", "status=0:413", "b=0:Payload Too Large", "end=1"],
        client: "413 Complete Payload Too Large",
        ..PLAIN
    },
    Row {
        fact: "response over the limit, headers sent: reset",
        probe: &[("response_body", "(call $say 'n' (local.get $n)) #1")],
        options: |o| o.buffer_limit = 8000,
        exchange: |e| e.response.body = vec![vec![b'a'; 5000], vec![b'b'; 5000]],
        says: &["n=5000"],
        client: "200 Reset",
        ..PLAIN
    },
    Row {
        fact: "response over the limit, headers held: a clean 500",
        probe: &[("response_headers", "#1"), ("response_body", "(call $say 'n' (local.get $n)) #1")],
        options: |o| {
            o.buffer_limit = 8000;
            o.allow_on_headers_stop_iteration = true;
        },
        exchange: |e| e.response.body = vec![vec![b'a'; 5000], vec![b'b'; 5000]],
        says: &["n=5000"],
        client: "500 Complete Internal Server Error",
        ..PLAIN
    },
    Row {
        fact: "emptied pieces with Continue keep the response going at any size",
        probe: &[(
            "response_body",
            "(drop (call $set_buffer #1 #0 (local.get $n) #4096 #0))
             (if (local.get $end) (then (drop (call $set_buffer #1 #0 #0 'all'))))
             #0",
        )],
        options: |o| o.buffer_limit = 8000,
        exchange: |e| e.response.body = vec![vec![b'a'; 7000]; 4],
        client: "200 Complete all",
        ..PLAIN
    },
    Row {
        fact: "set_buffer: size 0 at the start prepends",
        probe: &[("response_body", "(if (i32.eq (local.get $n) #6) (then (call $say 's' (call $set_buffer #1 #0 #0 '>>')))) #0")],
        says: &["s=0"],
        client: "200 Complete >>hello world",
        ..PLAIN
    },
    Row {
        fact: "set_buffer: the first bytes can be replaced",
        probe: &[("response_body", "(if (i32.eq (local.get $n) #6) (then (call $say 's' (call $set_buffer #1 #0 #2 'J')))) #0")],
        says: &["s=0"],
        client: "200 Complete Jllo world",
        ..PLAIN
    },
    Row {
        fact: "set_buffer: older releases refuse to replace the first bytes",
        probe: &[("response_body", "(if (i32.eq (local.get $n) #6) (then (call $say 's' (call $set_buffer #1 #0 #2 'J')))) #0")],
        options: |o| o.profile = Profile::OlderEnvoy,
        says: &["s=2"],
        strict: true,
        ..PLAIN
    },
    Row {
        fact: "set_buffer: a size past the end replaces all",
        probe: &[("response_body", "(if (i32.eq (local.get $n) #6) (then (call $say 's' (call $set_buffer #1 #0 #99 'J')))) #0")],
        says: &["s=0"],
        client: "200 Complete Jworld",
        ..PLAIN
    },
    Row {
        fact: "set_buffer: a start at or past the end appends",
        probe: &[(
            "response_body",
            "(if (i32.eq (local.get $n) #6) (then
               (call $say 's' (call $set_buffer #1 #6 #1 'A')) (call $say 's' (call $set_buffer #1 #99 #0 'B')))) #0",
        )],
        says: &["s=0", "s=0"],
        client: "200 Complete hello ABworld",
        ..PLAIN
    },
    Row {
        fact: "set_buffer: a start inside is refused",
        probe: &[("response_body", "(if (i32.eq (local.get $n) #6) (then (call $say 's' (call $set_buffer #1 #3 #1 'A')))) #0")],
        says: &["s=2"],
        strict: true,
        ..PLAIN
    },
    Row {
        fact: "set_buffer: on an empty last piece anything appends",
        probe: &[(
            "response_body",
            "(if (local.get $end) (then
               (call $say 's' (call $set_buffer #1 #0 #9 'A')) (call $say 's' (call $set_buffer #1 #5 #5 'B')))) #0",
        )],
        says: &["s=0", "s=0"],
        client: "200 Complete hello worldAB",
        ..PLAIN
    },
    Row {
        fact: "growing a body past the limit by set_buffer is allowed",
        probe: &[("response_body", "(if (local.get $end) (then (drop (call $set_buffer #1 #0 #0 #131072 #20000)))) #0")],
        options: |o| o.buffer_limit = 8000,
        client: "200 Complete 20011 bytes",
        ..PLAIN
    },
    Row {
        fact: "get_buffer is clamped, and past the end it is empty and OK",
        probe: &[(
            "response_body",
            "(if (i32.eq (local.get $n) #6) (then
               (call $body 'all' #1 #0 #-1) (call $body 'tail' #1 #3 #100) (call $body 'past' #1 #7 #1))) #0",
        )],
        says: &["all=0:hello ", "tail=0:lo ", "past=0:"],
        ..PLAIN
    },
    Row {
        fact: "buffers that are not live, and kinds that do not exist",
        probe: &[(
            "response_headers",
            "(call $body 'response' #1 #0 #9) (call $body 'request' #0 #0 #9) (call $body 'configuration' #7 #0 #9)
             (call $body 'call' #4 #0 #9) (call $body 'unknown' #9 #0 #9)
             (call $say 'set' (call $set_buffer #1 #0 #0 'x')) (call $say 'status' (call $buffer_status #1 #16 #20))
             #0",
        )],
        says: &["response=0:", "request=0:", "configuration=1:", "call=1:", "unknown=2:", "set=2", "status=0"],
        strict: true,
        ..PLAIN
    },
    Row {
        fact: "the configuration is readable when the root context is created and configured, not between and not after",
        probe: &[
            ("configure", "(call $body 'c' #7 #0 #99) #1"),
            ("context_create", "(call $body 'create' #7 #0 #99)"),
            ("vm_start", "(call $body 'start' #7 #0 #99) #1"),
        ],
        says: &["create=0:{}", "start=1:", "c=0:{}", "create=1:"],
        ..PLAIN
    },
    Row {
        fact: "trailers can be made in the last body call, not before",
        probe: &[
            ("response_headers", "(call $say 'early' (call $add #3 'x-t' '1')) #0"),
            (
                "response_body",
                "(call $say 'add' (call $add #3 'x-t' '1')) #0",
            ),
            ("response_trailers", "(call $say 'trailers' #1) #0"),
        ],
        says: &["early=2", "add=2", "add=2", "add=0"],
        client: "200 Complete hello world + x-t: 1",
        strict: true,
        ..PLAIN
    },
    Row {
        fact: "a reset in the middle: what was sent stays sent, then log, done, delete",
        probe: &[
            ("response_body", "(call $say 'n' (local.get $n)) #0"),
            ("log", "(call $say 'log' #1)"),
            ("done", "(call $say 'done' #1) #1"),
            ("delete", "(call $say 'delete' #1)"),
        ],
        exchange: |e| e.response.end = End::Reset,
        says: &["n=6", "n=5", "log=1", "done=1", "delete=1"],
        client: "200 Reset hello world",
        ..PLAIN
    },
    Row {
        fact: "a reset drops what a pause held",
        probe: &[("response_body", "#1")],
        exchange: |e| e.response.end = End::Reset,
        client: "200 Reset",
        ..PLAIN
    },
    Row {
        fact: "a body that was not mended after Content-Length: shorter hangs",
        probe: &[("response_body", "(if (i32.eq (local.get $n) #6) (then (drop (call $set_buffer #1 #0 #6 'x')))) #0")],
        exchange: |e| e.response.headers.push((b"content-length".to_vec(), b"11".to_vec())),
        client: "200 Hang xworld",
        strict: true,
        ..PLAIN
    },
    Row {
        fact: "a body that was not mended after Content-Length: longer is cut",
        probe: &[("response_body", "(if (i32.eq (local.get $n) #6) (then (drop (call $set_buffer #1 #0 #0 'x')))) #0")],
        exchange: |e| e.response.headers.push((b"content-length".to_vec(), b"11".to_vec())),
        client: "200 Complete xhello worl",
        strict: true,
        ..PLAIN
    },
    Row {
        fact: "request bodies follow the same rules",
        probe: &[
            ("request_headers", "(call $say 'headers' (local.get $end)) #0"),
            ("request_body", "(call $say 'n' (local.get $n)) (call $say 'end' (local.get $end)) #0"),
            ("request_trailers", "(call $say 'trailers' (local.get $n)) #0"),
        ],
        exchange: |e| {
            post(e);
            e.request.trailers = Some(headers(&[("x-t", "1")]));
        },
        says: &["headers=0", "n=3", "end=0", "n=3", "end=0", "trailers=1"],
        ..PLAIN
    },
    Row {
        fact: "a piece can be much larger than the buffer limit if it is let go",
        probe: &[("response_body", "#0")],
        options: |o| o.buffer_limit = 8000,
        exchange: |e| e.response.body = pieces(&["0123456789"; 2000]),
        client: "200 Complete 20000 bytes",
        ..PLAIN
    },
    Row {
        fact: "StopAllAndBuffer on headers: no body call, and over the limit a 500",
        probe: &[("response_headers", "#3"), ("response_body", "(call $say 'n' (local.get $n)) #0")],
        options: |o| o.buffer_limit = 8000,
        exchange: |e| e.response.body = vec![vec![b'a'; 5000], vec![b'b'; 5000]],
        client: "500 Complete Internal Server Error",
        ..PLAIN
    },
    Row {
        fact: "StopAllAndBuffer on headers, let go by a tick: then the body is offered at once",
        probe: &[
            ("raw", "(global $held (mut i32) #0)"),
            ("vm_start", "(drop (call $set_tick #700)) #1"),
            ("response_headers", "(global.set $held (local.get $id)) #3"),
            ("response_body", "(call $say 'n' (local.get $n)) (call $say 'end' (local.get $end)) #0"),
            (
                "tick",
                "(if (global.get $held) (then
                   (drop (call $set_effective (global.get $held))) (call $header 'still' #2 ':status')
                   (drop (call $add #2 'x-late' '1')) (drop (call $continue #1)) (global.set $held #0)))",
            ),
        ],
        says: &["still=0:200", "n=11", "end=1"],
        headers: &["x-late=1"],
        ..PLAIN
    },
    Row {
        fact: "a body paused to its end is let go by a tick",
        probe: &[
            ("raw", "(global $held (mut i32) #0)"),
            ("vm_start", "(drop (call $set_tick #700)) #1"),
            ("response_body", "(global.set $held (local.get $id)) #1"),
            (
                "tick",
                "(if (global.get $held) (then
                   (drop (call $set_effective (global.get $held))) (call $body 'b' #1 #0 #99)
                   (call $say 'set' (call $set_buffer #1 #0 #99 'tick'))
                   (drop (call $continue #1)) (global.set $held #0)))",
            ),
        ],
        says: &["b=0:hello world", "set=0"],
        client: "200 Complete tick",
        ..PLAIN
    },
    Row {
        fact: "trailers that are paused hang, after the body has gone",
        probe: &[("response_trailers", "#1")],
        exchange: |e| e.response.trailers = Some(headers(&[("x-t", "1")])),
        client: "200 Hang hello world",
        ..PLAIN
    },
    Row {
        fact: "trailers made in a paused last body call go out after a tick",
        probe: &[
            ("raw", "(global $held (mut i32) #0)"),
            ("vm_start", "(drop (call $set_tick #700)) #1"),
            (
                "response_body",
                "(if (local.get $end) (then (call $say 'add' (call $add #3 'x-t' '1')) (global.set $held (local.get $id)))) #1",
            ),
            (
                "tick",
                "(if (global.get $held) (then
                   (drop (call $set_effective (global.get $held))) (drop (call $continue #1)) (global.set $held #0)))",
            ),
        ],
        says: &["add=0"],
        client: "200 Complete hello world + x-t: 1",
        ..PLAIN
    },
    Row {
        fact: "a reply from a tick while the headers are held is clean",
        probe: &[
            ("raw", "(global $held (mut i32) #0)"),
            ("vm_start", "(drop (call $set_tick #700)) #1"),
            ("response_headers", "(global.set $held (local.get $id)) #1"),
            (
                "tick",
                "(if (global.get $held) (then
                   (drop (call $set_effective (global.get $held))) (drop (call $reply #503 'd' 'late' #0 #0 #-1)) (global.set $held #0)))",
            ),
        ],
        client: "503 Complete late",
        ..PLAIN
    },
    Row {
        fact: "a response to HEAD has no body call",
        probe: &[
            ("response_headers", "(call $say 'end' (local.get $end)) #0"),
            ("response_body", "(call $say 'body' #1) #0"),
        ],
        exchange: |e| {
            e.request.headers[2].1 = b"HEAD".to_vec();
            e.response.headers.push((b"content-length".to_vec(), b"11".to_vec()));
            e.response.body.clear();
        },
        says: &["end=1"],
        client: "200 Complete",
        headers: &["content-length=11"],
        ..PLAIN
    },
    Row {
        fact: "Pause on request headers without a body hangs",
        probe: &[("request_headers", "#1")],
        client: "0 Hang",
        ..PLAIN
    },
    Row {
        fact: "Pause then Continue: what was held and what comes after, in order",
        probe: &[("response_body", "(call $say 'n' (local.get $n)) (i32.eq (local.get $n) #3)")],
        exchange: |e| e.response.body = pieces(&["abc", "de", "fgh", "ij"]),
        says: &["n=3", "n=5", "n=3", "n=5", "n=0"],
        client: "200 Complete abcdefghij",
        ..PLAIN
    },
    Row {
        fact: "NoBuffer then Continue: only the later piece",
        probe: &[("response_body", "(select #3 #0 (i32.eq (local.get $n) #3))")],
        exchange: |e| e.response.body = pieces(&["abc", "de"]),
        client: "200 Complete de",
        ..PLAIN
    },
    Row {
        fact: "Watermark then Buffer: the second callback sees its own piece, the third all",
        probe: &[(
            "response_body",
            "(call $say 'n' (local.get $n))
             (select #2 (select #1 #0 (i32.eq (local.get $n) #2)) (i32.eq (local.get $n) #3))",
        )],
        exchange: |e| e.response.body = pieces(&["abc", "de", "f"]),
        says: &["n=3", "n=2", "n=6", "n=0"],
        client: "200 Complete abcdef",
        ..PLAIN
    },
    Row {
        fact: "a body emptied to its end is complete and empty",
        probe: &[("response_body", "(drop (call $set_buffer #1 #0 (local.get $n) #4096 #0)) #0")],
        client: "200 Complete",
        ..PLAIN
    },
    Row {
        fact: "HTTP/2: the limit is the window of the client's stream, not the connection's buffer limit",
        probe: &[("response_body", "(call $say 'n' (local.get $n)) #1")],
        options: |o| {
            o.http2 = true;
            o.buffer_limit = 32768;
        },
        exchange: |e| e.response.body = vec![vec![b'a'; 16000]; 5],
        says: &["n=16000", "n=32000", "n=48000", "n=64000"],
        client: "200 Reset",
        ..PLAIN
    },
];

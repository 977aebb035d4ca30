"""The Envoy that records: one listener with the tap filter streaming, one with it buffering, routes by host name."""

import json
import pathlib

TAP_BYTES = 64 << 20


def _type(path):
    return f"type.googleapis.com/envoy.{path}"


def _address(port):
    return {"socket_address": {"address": "127.0.0.1", "port_value": port}}


def _listener(name, port, hosts, taps, streaming):
    tap = {
        "@type": _type("extensions.filters.http.tap.v3.Tap"),
        "common_config": {
            "static_config": {
                "match": {"any_match": True},
                "output_config": {
                    "streaming": streaming,
                    "max_buffered_rx_bytes": TAP_BYTES,
                    "max_buffered_tx_bytes": TAP_BYTES,
                    "sinks": [{"format": "JSON_BODY_AS_BYTES", "file_per_tap": {"path_prefix": str(taps / name)}}],
                },
            }
        },
    }
    manager = {
        "@type": _type("extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"),
        "stat_prefix": name,
        # The request id is the client's: it tells which trace is whose, and recording again gives the same.
        "preserve_external_request_id": True,
        "http_protocol_options": {"enable_trailers": True},
        "route_config": {
            "virtual_hosts": [
                {
                    "name": host,
                    "domains": [host],
                    "routes": [{"match": {"prefix": "/"}, "route": {"cluster": host, "timeout": "60s"}}],
                }
                for host in hosts
            ]
        },
        "http_filters": [
            {"name": "envoy.filters.http.tap", "typed_config": tap},
            {
                "name": "envoy.filters.http.router",
                "typed_config": {"@type": _type("extensions.filters.http.router.v3.Router")},
            },
        ],
    }
    network = {"name": "envoy.filters.network.http_connection_manager", "typed_config": manager}
    return {"name": name, "address": _address(port), "filter_chains": [{"filters": [network]}]}


def _cluster(host, port):
    endpoint = {"endpoint": {"address": _address(port)}}
    return {
        "name": host,
        "connect_timeout": "5s",
        "load_assignment": {"cluster_name": host, "endpoints": [{"lb_endpoints": [endpoint]}]},
        "typed_extension_protocol_options": {
            "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
                "@type": _type("extensions.upstreams.http.v3.HttpProtocolOptions"),
                "explicit_http_config": {"http_protocol_options": {"enable_trailers": True}},
            }
        },
    }


def bootstrap(path, streamed, buffered, upstreams, taps):
    """Writes the bootstrap. `upstreams`: host name to port; `taps`: the folder for the traces."""
    config = {
        "static_resources": {
            "listeners": [
                _listener("streamed", streamed, upstreams, taps, True),
                _listener("buffered", buffered, upstreams, taps, False),
            ],
            "clusters": [_cluster(host, port) for host, port in upstreams.items()],
        }
    }
    pathlib.Path(path).write_text(json.dumps(config, indent=1))

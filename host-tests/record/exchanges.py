"""What is recorded: each exchange with the request that is sent and the plants that its response must hold.

Data only. `plants` is checked against what Envoy's tap saw, so that a server that stops leaking fails the
recording instead of making an empty capture.
"""

from dataclasses import dataclass, field

SHOP, DEBUG, FILES, AWS, DOWN = (
    "shop.example.test",
    "debug.example.test",
    "files.example.test",
    "secretsmanager.eu-central-1.amazonaws.com",
    "down.example.test",
)


@dataclass
class Exchange:
    name: str
    about: str
    host: str
    target: str
    method: str = "GET"
    headers: dict = field(default_factory=dict)
    body: bytes = b""
    plants: tuple = ()
    policy: dict | None = None
    origin: str = "upstream"
    end: str = "complete"
    # Envoy's tap writes either one trace with joined bodies, or a segment for each chunk.
    buffered: bool = False
    # How the server cut the body, where that matters: as many chunks, or chunks of that many bytes.
    # Recorded again until Envoy saw it so.
    chunks: int | None = None
    chunk_size: int | None = None


def secrets_manager(action, body):
    """A Secrets Manager call as an AWS SDK makes it. The signature is a placeholder: moto does not check it."""
    return {
        "method": "POST",
        "host": AWS,
        "target": "/",
        "headers": {
            "content-type": "application/x-amz-json-1.1",
            "x-amz-target": f"secretsmanager.{action}",
            "x-amz-date": "20260105T090000Z",
            "authorization": "AWS4-HMAC-SHA256 Credential=testing/20260105/eu-central-1/secretsmanager/aws4_request, "
            "SignedHeaders=host;x-amz-date;x-amz-target, Signature=" + "0" * 64,
        },
        "body": body,
    }


EXCHANGES = [
    Exchange("node-stack-trace", "Express prints an error whose text carries a PostgreSQL URL, with its stack",
             SHOP, "/orders/1093", plants=("orders-db-password",)),
    Exchange("aws-get-secret-value", "Secrets Manager (moto) answers GetSecretValue: JSON inside a JSON string",
             plants=("vault-db-password", "github-classic-token"), buffered=True,
             **secrets_manager("GetSecretValue", b'{"SecretId":"shop/production"}')),
    Exchange("directory-listing", "A directory listing that shows .env and .git by name: nothing in it is a secret yet",
             FILES, "/"),
    Exchange("dot-env", "The .env file itself, downloaded",
             FILES, "/.env",
             plants=("env-db-password", "stripe-live-key", "aws-key-id", "aws-secret-key", "slack-bot-token",
                     "openai-project-key")),
    Exchange("git-config", "A .git/config whose remote URL holds a deploy password",
             FILES, "/.git/config", plants=("git-deploy-password",)),
    Exchange("private-key-file", "A PEM private key between other lines",
             FILES, "/backup/tls.key", plants=("tls-private-key",)),
    Exchange("service-account-json", "A service account file: a PEM private key behind \\n escapes in JSON",
             FILES, "/service-account.json", plants=("service-account-key",), buffered=True),
    Exchange("django-debug-page", "Django's debug page: a traceback with every local variable, among them a DSN",
             DEBUG, "/invoices/7", plants=("debug-db-password",)),
    Exchange("customer-list", "Over 1 MiB of chunked JSON with four secrets: plain, \\u-escaped, and behind \\/",
             SHOP, "/api/customers",
             plants=("github-list-token", "slack-webhook-tail", "stripe-list-key", "list-db-password"),
             chunk_size=16384),
    Exchange("redirect-with-token", "A redirect whose Location holds an OAuth access token",
             SHOP, "/login/callback?code=4f1d&state=b7c2", plants=("github-oauth-token",)),
    Exchange("set-cookie-jwt", "Three Set-Cookie headers, the second of them a JSON web token",
             SHOP, "/session", method="POST", headers={"content-type": "application/json"},
             body=b'{"user":"zoe","remember":true}', plants=("session-jwt",),
             policy={"detectors": {"packs": ["secrets", "tokens"]}}),
    Exchange("oauth-token-form", "A token endpoint that answers as a form",
             SHOP, "/oauth/token", plants=("github-classic-token",), buffered=True),
    Exchange("connect-failure", "Envoy's own 503: the upstream refuses connections",
             DOWN, "/api/stock", origin="connect-failure"),
    Exchange("connect-failure-problem", "Envoy's own 503 under a policy that replaces error bodies by problem+json",
             DOWN, "/api/stock", origin="connect-failure",
             policy={"errors": {"status": ["5xx"], "replace": "problem+json"}}),
    Exchange("html-page", "An HTML page with words that only look alarming: it must leave byte for byte",
             SHOP, "/"),
    Exchange("html-checkout", "An HTML page whose inline configuration holds a secret key beside the public one",
             SHOP, "/checkout.html", plants=("stripe-page-key",)),
    Exchange("png-image", "A binary image", SHOP, "/logo.png"),
    Exchange("empty-204", "A response without a body", SHOP, "/cart", method="DELETE"),
    Exchange("head-request", "A response to HEAD: a Content-Length, and no body", SHOP, "/checkout.html", method="HEAD"),
    Exchange("event-stream", "Server-sent events, one of which logs a Slack token",
             SHOP, "/events", plants=("slack-event-token",), chunks=6),
    Exchange("trailers-with-url", "A chunked export whose trailer holds a URL with a password",
             SHOP, "/export.csv", plants=("trailer-deploy-password",), headers={"te": "trailers"}, chunks=3),
    Exchange("split-secret", "An API key cut in two by a chunk boundary",
             SHOP, "/api/assistant", plants=("split-openai-key",), chunks=2),
    Exchange("reset-mid-body", "A build log with a token; the upstream resets the connection before the end",
             SHOP, "/logs/build", plants=("github-reset-token",), end="reset", chunks=3),
]

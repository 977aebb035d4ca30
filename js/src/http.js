// Error handlers that answer RFC 9457 without internals: the status and its name, and a detail only where the error says that it
// is for clients (`expose`, as http-errors sets it).

import { STATUS_CODES } from 'node:http';

function problem(error, redactor) {
  const asked = Number(error?.statusCode ?? error?.status);
  const status = asked >= 400 && asked <= 599 && STATUS_CODES[asked] ? asked : 500;
  const body = { type: 'about:blank', title: STATUS_CODES[status], status };
  if (status < 500 && error?.expose === true && typeof error.message === 'string') {
    body.detail = redactor ? redactor.redact(error.message) : error.message;
  }
  return body;
}

/** What is told to the caller's log never stops the answer. */
function tell(onError, error, redactor, request) {
  try {
    onError?.(redactor ? redactor.redactObject(error) : error, request);
  } catch {
    // The log's trouble is not the client's.
  }
}

/** For `app.use`, behind all routes. */
export function expressErrorHandler({ redactor, onError } = {}) {
  // Express knows error handlers by their four parameters.
  return function keepmumErrors(error, request, response, _next) {
    tell(onError, error, redactor, request);
    if (response.headersSent) {
      response.destroy();
      return;
    }
    const body = problem(error, redactor);
    for (const name of response.getHeaderNames()) {
      if (/^(?:content-|etag$|last-modified$|set-cookie$|cache-control$)/i.test(name)) response.removeHeader(name);
    }
    response.statusCode = body.status;
    response.setHeader('content-type', 'application/problem+json');
    response.setHeader('cache-control', 'no-store');
    response.end(JSON.stringify(body));
  };
}

/** For `fastify.setErrorHandler`. */
export function fastifyErrorHandler({ redactor, onError } = {}) {
  return function keepmumErrors(error, request, reply) {
    tell(onError, error, redactor, request);
    const body = problem(error, redactor);
    return reply
      .code(body.status)
      .header('cache-control', 'no-store')
      .type('application/problem+json')
      .serializer((payload) => payload)
      .send(JSON.stringify(body));
  };
}

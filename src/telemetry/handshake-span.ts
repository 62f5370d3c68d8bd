import { ROOT_CONTEXT, type SpanContext, SpanKind, SpanStatusCode, type Tracer } from '@opentelemetry/api';
import { ownText, type Propagation } from '../core/propagation.ts';
import { paramsOf } from './span-attributes.ts';
import { under } from './spans.ts';
import { formatTraceContext, parseTraceContext } from './traceparent.ts';
import type { Dial, Handshake, HandshakeRequest } from './tracing.ts';

/** What the client continues: by a header, else by the query. */
export function handshakeParent(
  { headers, query }: HandshakeRequest,
  propagation: Propagation,
): SpanContext | undefined {
  const trace = propagation.read(headers, ownText) ?? propagation.read(query, ownText);
  return trace === undefined ? undefined : parseTraceContext(trace);
}

export function startHandshake(tracer: Tracer, request: HandshakeRequest, parent: SpanContext | undefined): Handshake {
  const span = tracer.startSpan(
    `GET ${request.route}`,
    {
      kind: SpanKind.SERVER,
      attributes: {
        'http.request.method': 'GET',
        'http.route': request.route,
        // The query may hold a token.
        'url.path': request.url.split('?', 1)[0] ?? '',
        'url.scheme': request.isSecure === true ? 'wss' : 'ws',
        'user_agent.original': String(request.headers['user-agent'] ?? ''),
        'tidegate.endpoint': request.endpoint,
        ...paramsOf(request.params ?? {}),
      },
    },
    parent === undefined ? ROOT_CONTEXT : under(parent),
  );
  return {
    context: span.spanContext(),
    end(status) {
      span.setAttribute('http.response.status_code', status);
      if (status >= 500) span.setStatus({ code: SpanStatusCode.ERROR });
      span.end();
    },
  };
}

export function startDial(tracer: Tracer, component: string, url: string, propagation: Propagation): Dial {
  const attributes = { 'http.request.method': 'GET', 'url.full': url, 'tidegate.component': component };
  const span = tracer.startSpan(`dial ${component}`, { kind: SpanKind.CLIENT, attributes }, ROOT_CONTEXT);
  return {
    fields: propagation.fields(formatTraceContext(span.spanContext())),
    end(failure) {
      if (!span.isRecording()) return;
      if (failure !== undefined) span.setStatus({ code: SpanStatusCode.ERROR, message: failure });
      span.end();
    },
  };
}

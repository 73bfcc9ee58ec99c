// The calls of the contract's methods, with their messages. They reject with a ChatError.

import type {
  DescMessage,
  DescMethodServerStreaming,
  DescMethodUnary,
  MessageInitShape,
  MessageShape,
} from "@bufbuild/protobuf";
import { createConnectTransport } from "@connectrpc/connect-web";
import { ChatError } from "../failure";
import { toFailure } from "./convert";

/** How long a call with a single answer may take, in milliseconds. */
const callTimeout = 15_000;

/**
 * Calls the transport directly: connect's client adds the kinds of streams that
 * browsers cannot use, 5 kB. Calls with a single answer end with the signal, as streams do with theirs.
 */
export function createCalls(baseUrl: string, ended?: AbortSignal) {
  const transport = createConnectTransport({ baseUrl, useBinaryFormat: true, fetch: abortableFetch });
  return {
    /** A call with a single answer. */
    async call<I extends DescMessage, O extends DescMessage>(
      method: DescMethodUnary<I, O>,
      request: MessageInitShape<I>,
      token: string,
      timeout = callTimeout,
    ): Promise<MessageShape<O>> {
      try {
        const { message } = await transport.unary(method, ended, timeout, authorization(token), request);
        return message;
      } catch (reason) {
        throw new ChatError(toFailure(reason));
      }
    },

    /** A call whose answer is a stream, until the signal ends it. A timeout would end it as well. */
    async stream<I extends DescMessage, O extends DescMessage>(
      method: DescMethodServerStreaming<I, O>,
      request: MessageInitShape<I>,
      token: string,
      signal: AbortSignal,
    ): Promise<AsyncIterable<MessageShape<O>>> {
      const requests = (async function* () {
        yield request;
      })();
      const { message } = await transport.stream(method, signal, undefined, authorization(token), requests);
      return message;
    },
  };
}

/**
 * Fetches, so that the signal also ends a body that is being read. In Node.js 20 fetch alone does not do
 * that once garbage was collected: the connection stays, and the read never ends.
 */
const abortableFetch: typeof fetch = async (input, init) => {
  const response = await fetch(input, init);
  if (!response.body || !init?.signal) return response;
  return new Response(response.body.pipeThrough(new TransformStream(), { signal: init.signal }), response);
};

function authorization(token: string): HeadersInit {
  return token === "" ? {} : { Authorization: `Bearer ${token}` };
}

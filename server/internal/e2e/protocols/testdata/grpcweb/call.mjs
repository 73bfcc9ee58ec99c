// node call.mjs FORMAT KIND URL REQUEST calls a method with the official grpc-web client. FORMAT
// is text or binary, KIND is unary or stream, REQUEST the message in base64. It prints a line of
// JSON for each message, for an error, and for the end.
import { XMLHttpRequest } from "./xhr.mjs";

globalThis.XMLHttpRequest = XMLHttpRequest;
const { GrpcWebClientBase, MethodDescriptor, MethodType } = await import("./grpc-web.mjs");

const [format, kind, url, request] = process.argv.slice(2);
const client = new GrpcWebClientBase({ format });
const bytes = class {};
const method = (type) =>
	new MethodDescriptor(new URL(url).pathname, type, bytes, bytes, (m) => m, (b) => b);
const print = (value) => process.stdout.write(`${JSON.stringify(value)}\n`);
const message = (m) => print({ message: Buffer.from(m).toString("base64") });
const failed = (e) => print({ code: e.code, error: e.message });
const body = new Uint8Array(Buffer.from(request, "base64"));

if (kind === "unary") {
	client.rpcCall(url, body, {}, method(MethodType.UNARY), (error, response) => {
		if (error) failed(error);
		else message(response);
	});
} else {
	const stream = client.serverStreaming(url, body, {}, method(MethodType.SERVER_STREAMING));
	stream.on("data", message);
	stream.on("error", failed);
	stream.on("end", () => print({ end: true }));
}

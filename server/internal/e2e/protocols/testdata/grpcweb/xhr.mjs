// XMLHttpRequest, as far as grpc-web uses it, for Node.js.
import http from "node:http";

export class XMLHttpRequest {
	readyState = 0;
	status = 0;
	statusText = "";
	responseType = "";
	responseText = "";
	response = null;
	#listeners = {};
	#headers = {};
	#answer = {};

	open(method, url) {
		this.method = method;
		this.url = new URL(url);
		this.#enter(1);
	}

	setRequestHeader(name, value) {
		this.#headers[name] = value;
	}

	addEventListener(type, listener) {
		(this.#listeners[type] ??= []).push(listener);
	}

	getAllResponseHeaders() {
		return Object.entries(this.#answer)
			.map(([name, value]) => `${name}: ${value}\r\n`)
			.join("");
	}

	getResponseHeader(name) {
		return this.#answer[name.toLowerCase()] ?? null;
	}

	send(body) {
		this.request = http.request(this.url, { method: this.method, headers: this.#headers }, (answer) => {
			this.status = answer.statusCode;
			this.statusText = answer.statusMessage;
			this.#answer = answer.headers;
			this.#enter(2);
			const parts = [];
			answer.on("data", (part) => {
				parts.push(part);
				if (this.responseType === "" || this.responseType === "text") {
					this.responseText += part.toString("latin1");
					this.response = this.responseText;
				}
				this.#enter(3);
			});
			answer.on("end", () => {
				if (this.responseType === "arraybuffer") {
					const all = Buffer.concat(parts);
					this.response = all.buffer.slice(all.byteOffset, all.byteOffset + all.length);
				}
				this.#enter(4);
			});
		});
		this.request.on("error", () => this.#enter(4));
		this.request.end(body);
	}

	abort() {
		this.request?.destroy();
	}

	#enter(state) {
		this.readyState = state;
		const event = { type: "readystatechange", target: this };
		this.onreadystatechange?.(event);
		for (const listener of this.#listeners.readystatechange ?? []) listener(event);
		if (state === 4) for (const type of ["load", "loadend"]) this["on" + type]?.({ type, target: this });
	}
}

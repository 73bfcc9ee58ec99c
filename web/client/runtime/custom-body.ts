// An application's own kinds of event, as messages of their types.

import {
  create,
  type DescMessage,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from "@bufbuild/protobuf";
import type { Body, CustomBody } from "../model";

export function customBody<Desc extends DescMessage>(schema: Desc, message: MessageInitShape<Desc>): CustomBody {
  return { kind: "custom", type: schema.typeName, value: toBinary(schema, create(schema, message)) };
}

/** Returns the message of a type that a body holds, or null if it holds none. */
export function decodedCustom<Desc extends DescMessage>(schema: Desc, body: Body): MessageShape<Desc> | null {
  if (body.kind !== "custom" || body.type !== schema.typeName) return null;
  try {
    return fromBinary(schema, body.value);
  } catch {
    return null;
  }
}

import type { Failure } from "../../../client";
import { hasMessage, type MessageKey, t } from "../../i18n";
import { shortTime } from "./time";

/**
 * Returns what the user is told of a failure, empty for none: the message for its reason, for the part
 * of that before a dot, or for its code. What few users meet has none: then it is the server's own
 * sentence, in English.
 */
export function failureText(failure: Failure | null): string {
  if (!failure) return "";
  const { code, reason = "", right = "", retryAfter = 0, until, moderatorReason } = failure;
  const isTooOften = code === "resource_exhausted" && retryAfter > 0;
  const key = [`${reason}.${right}`, reason, reason.split(".", 1)[0], isTooOften ? "tooOften" : code]
    .map((name) => `failure.${name}` as MessageKey)
    .find(hasMessage);
  const values = { room: failure.room ?? "", n: Math.ceil(retryAfter / 1_000) };
  return [
    key ? t(key, values) : failure.message,
    until && t("failure.until", { time: shortTime(until) }),
    moderatorReason && t("failure.reason", { reason: moderatorReason }),
  ]
    .filter(Boolean)
    .join(" ");
}

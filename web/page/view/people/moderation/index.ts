// The dialogs of moderators. They are loaded when they are first shown.

import english from "messages:en/moderation";
import { addEnglish } from "../../../i18n";

export { DenyMember } from "./deny-member";
export { ModerationLog } from "./moderation-log";

addEnglish(english);

// What writing needs. It is loaded beside the messages: a visitor without a name does not need it.

import "./words";

export { Composer } from "./composer";
export { EditForm } from "./edit-form";

// What is shown on request, and loaded a while after the page.

export { DeleteDialog } from "./delete-dialog";
export { MessageMenu } from "./message-menu";
export { ReactorsDialog } from "./reactors-dialog";

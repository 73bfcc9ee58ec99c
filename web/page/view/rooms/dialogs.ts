// The dialogs and the menu of rooms. They are loaded after the page is shown.

import "./dialog-words";

export { CreateRoom } from "./create-room";
export { LeaveRoom } from "./leave-room";
export { RoomMenu } from "./room-menu";
export { RoomSwitcher } from "./room-switcher";

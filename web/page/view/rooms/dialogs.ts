// The dialogs and the menu of rooms. They are loaded after the page is shown.

export { CreateRoom } from "./create-room";
export { LeaveRoom } from "./leave-room";
export { RoomMenu } from "./room-menu";
export { RoomSwitcher } from "./room-switcher";

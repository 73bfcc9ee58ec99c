// What is shown on request, and loaded a while after the page.

export { AboutRoom } from "../rooms/about-room";
export { ProfileDialog } from "./profile-dialog";
export { SettingsDialog } from "./settings-dialog";

// What is shown on request, and loaded a while after the page.

export { WritingHelp } from "../composer/writing-help";
export { AboutRoom } from "../rooms/about-room";
export { ProfileDialog } from "./profile-dialog";
export { SettingsDialog } from "./settings-dialog";

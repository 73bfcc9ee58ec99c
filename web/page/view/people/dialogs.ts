// The profile card and the dialogs about people. They are loaded after the page is shown.

export { ProfileCard } from "./profile-card";
export { SignOut } from "./sign-out";

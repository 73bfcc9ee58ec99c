package page

// looks are the devices and settings for which a few states are enough.
var looks = []device{
	{name: "768", width: 768, height: 1024, scale: 1},
	{name: "zoom", width: 720, height: 450, scale: 2},
	{name: "320", width: 320, height: 640, scale: 1, touch: true},
	{name: "contrast", width: 1440, height: 900, scale: 1, forcedColors: true},
}

// The states that say most about how the page fits a device.
func lookScreens(v *viewer) {
	v.openBusyRoom()
	v.shoot("conversation")
	if v.device.forcedColors {
		v.hover(messageThat("Who can take"))
		v.shoot("toolbar")
	}
	v.openMessageMenu("It is in the branch")
	v.shoot("message-menu")
	v.closePopover()
	v.openRooms()
	if !v.device.forcedColors {
		v.shoot("rooms")
	}
	v.openDialog(".to-settings", ".settings")
	v.shoot("settings")
	v.open(v.town.URL, false)
	v.navigate(v.town.URL + "/r/team")
	v.await(isLive + ` && document.querySelector(".welcome") !== null`)
	v.settle()
	v.shoot("first-visit")
}

// Words and texts in other languages.
func languageScreens(v *viewer) {
	v.openRoom("majlis")
	v.shoot("arabic")

	v.languages = "ja"
	v.open(v.town.URL, false)
	v.navigate(v.town.URL + "/r/tokyo")
	v.await(isLive + ` && document.querySelector(".welcome") !== null`)
	v.settle()
	v.shoot("japanese-first-visit")

	v.town.join(v.t, "tokyo", "佐藤 花子", "田中 太郎")
	v.openRoom("tokyo")
	v.shoot("japanese")
	v.openMessageMenu("了解")
	v.shoot("japanese-menu")
	v.closePopover()
	v.openRooms()
	if v.device.touch {
		v.shoot("japanese-rooms")
	}
	v.openDialog(".to-settings", ".settings")
	v.shoot("japanese-settings")
	v.visit("tokyo")
	v.run(`document.querySelector("#text").focus(); document.execCommand("insertText", false, "/help")`)
	v.run(`document.querySelector(".composer").requestSubmit()`)
	v.await(`document.querySelector(".writing-help") !== null`)
	v.shoot("japanese-help")
}

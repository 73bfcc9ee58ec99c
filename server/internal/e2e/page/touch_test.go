package page

import "testing"

// lowTargets are the controls in view that a finger reaches in less than 24 px, upwards, downwards or at a side.
const lowTargets = `[...document.querySelectorAll("a, button, input, textarea, select")].filter((control) => {
	const { x, y, width, height } = control.getBoundingClientRect();
	const at = (dx, dy) => document.elementFromPoint(x + width / 2 + dx, y + height / 2 + dy);
	const isHit = (element) => element !== null && (control.contains(element) || element.closest("label")?.control === control);
	if (getComputedStyle(control).display === "inline" && control.localName === "a" || !isHit(at(0, 0))) return false;
	const reach = (dx, dy) => { let n = 0; while (n < 24 && isHit(at(n * dx, n * dy))) n++; return n; };
	return reach(0, -1) + reach(0, 1) <= 24 || reach(-1, 0) + reach(1, 0) <= 24;
}).map((control) => control.className + " " + control.textContent).join("; ")`

// By touch, controls are at least 24 px high and wide, also the names of members in the midst of texts.
func TestTouchTargetsAreWide(t *testing.T) {
	t.Parallel()
	town := startTown(t)
	v := &viewer{t: t, town: town, browser: newBrowser(t), device: phone, languages: "en"}
	v.openRoom("team")
	if !evaluate[bool](v.tab, `document.querySelectorAll(".message .member-name").length > 2`) {
		t.Fatal("no names of members are shown")
	}
	expectWide := func(state string) {
		if low := evaluate[string](v.tab, lowTargets); low != "" {
			t.Errorf("%s: a finger finds less than 24 px of %s", state, low)
		}
	}
	expectWide("a conversation")
	v.openRooms()
	expectWide("the rooms")
}

package report

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"math"
	"slices"
)

// curveScenario is the scenario that is plotted.
const curveScenario = "curve"

// The plot's measures in pixels. Colours are such that they can be told apart on
// white and on black.
const (
	width, height = 720, 400
	left, right   = 64, 230
	top, bottom   = 24, 56
	ink           = "#808080"
)

var palette = []string{"#3584e4", "#26a269", "#c64600", "#9141ac", "#986a44", "#77767b"}

// line is one variant's points.
type line struct {
	name string
	x, y []float64
}

// Curve returns a plot of the cost per delivery over the number of subscribers,
// nil if that was not measured.
func (r *Report) Curve() []byte {
	var lines []line
	for _, figures := range r.of(curveScenario) {
		m := mid(figures)
		if m.ServerMicros <= 0 {
			continue
		}
		at := slices.IndexFunc(lines, func(l line) bool { return l.name == m.Variant })
		if at < 0 {
			at, lines = len(lines), append(lines, line{name: m.Variant})
		}
		l := &lines[at]
		l.x, l.y = append(l.x, float64(m.Subscribers)), append(l.y, m.ServerMicros)
	}
	if len(lines) == 0 {
		return nil
	}
	return plot(lines)
}

// plot draws lines over a logarithmic x axis.
func plot(lines []line) []byte {
	low, high, most := lines[0].x[0], lines[0].x[0], 0.0
	for _, l := range lines {
		for i := range l.x {
			low, high, most = min(low, l.x[i]), max(high, l.x[i]), max(most, l.y[i])
		}
	}
	step := niceStep(most)
	ceiling := math.Ceil(most/step) * step
	atX := func(x float64) float64 {
		if low == high {
			return left
		}
		return left + math.Log(x/low)/math.Log(high/low)*(width-left-right)
	}
	atY := func(y float64) float64 { return height - bottom - y/ceiling*(height-top-bottom) }

	var b bytes.Buffer
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="13" fill="%s">`+"\n", width, height, ink)
	b.WriteString("<title>Server CPU per delivery, over the number of subscribers of one room</title>\n")
	for y := 0.0; y <= ceiling+step/2; y += step {
		fmt.Fprintf(&b, `<path d="M%d %.1fH%d" stroke="%s" stroke-opacity="0.3"/>`+"\n", left, atY(y), width-right, ink)
		label(&b, left-8, atY(y)+4, "end", fmt.Sprintf("%g", y))
	}
	for _, x := range lines[0].x {
		label(&b, atX(x), height-bottom+20, "middle", short(x))
	}
	label(&b, left+(width-left-right)/2, height-bottom+42, "middle", "subscribers of one room (logarithmic)")
	fmt.Fprintf(&b, `<text text-anchor="middle" transform="translate(18 %d) rotate(-90)">µs of server CPU per delivery</text>`+"\n", top+(height-top-bottom)/2)
	for i, l := range lines {
		colour := palette[i%len(palette)]
		var path bytes.Buffer
		for j := range l.x {
			fmt.Fprintf(&path, "%.1f,%.1f ", atX(l.x[j]), atY(l.y[j]))
			fmt.Fprintf(&b, `<circle cx="%.1f" cy="%.1f" r="3" fill="%s"/>`+"\n", atX(l.x[j]), atY(l.y[j]), colour)
		}
		fmt.Fprintf(&b, `<polyline points="%s" fill="none" stroke="%s" stroke-width="2"/>`+"\n", bytes.TrimSpace(path.Bytes()), colour)
		y := float64(top + 12 + 22*i)
		fmt.Fprintf(&b, `<rect x="%d" y="%.0f" width="12" height="4" fill="%s"/>`+"\n", width-right+16, y-6, colour)
		label(&b, width-right+36, y, "start", l.name)
	}
	b.WriteString("</svg>\n")
	return b.Bytes()
}

func label(b *bytes.Buffer, x, y float64, anchor, text string) {
	fmt.Fprintf(b, `<text x="%.1f" y="%.1f" text-anchor="%s">`, x, y, anchor)
	_ = xml.EscapeText(b, []byte(text)) // a bytes.Buffer takes everything
	b.WriteString("</text>\n")
}

// short returns 15k for 15,000.
func short(v float64) string {
	if v >= 1000 {
		return fmt.Sprintf("%gk", v/1000)
	}
	return fmt.Sprintf("%g", v)
}

// niceStep returns a round distance for about five lines up to most.
func niceStep(most float64) float64 {
	if most <= 0 {
		return 1
	}
	power := math.Pow(10, math.Floor(math.Log10(most/5)))
	for _, factor := range []float64{1, 2, 5} {
		if most/5 <= factor*power {
			return factor * power
		}
	}
	return 10 * power
}

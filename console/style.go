package console

import _ "embed" // the style is part of the program: nothing is read from disk

//go:embed assets/console.css
var stylesheet string

// Stylesheet is the style of the debug pages, in CSS, for programs whose own
// pages are to look like them. Its classes and custom properties are stable:
// the names in use stay, new ones may come.
func Stylesheet() string { return stylesheet }

// Package browser tests the console of a daemon in a real browser, Chromium without
// a window, against daemons that run as a user would start them. It needs chromium
// on the PATH: apt-get install chromium, on Debian.
//
// Pictures of all pages are kept in the folder that ROSTER_SCREENSHOTS names, or as
// artifacts of the tests (go test -artifacts).
package browser

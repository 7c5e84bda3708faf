package console_test

import (
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/roster-go/roster/console"
	"github.com/roster-go/roster/internal/assert"
)

// luminance is the relative luminance of a colour written #rrggbb (WCAG 2.2).
func luminance(t *testing.T, hex string) float64 {
	t.Helper()
	sum := 0.0
	for i, weight := range []float64{0.2126, 0.7152, 0.0722} {
		n, err := strconv.ParseUint(hex[1+2*i:3+2*i], 16, 8)
		assert.NoError(t, err)
		c := float64(n) / 255
		if c <= 0.04045 {
			c /= 12.92
		} else {
			c = math.Pow((c+0.055)/1.055, 2.4)
		}
		sum += weight * c
	}
	return sum
}

func contrast(t *testing.T, a, b string) float64 {
	t.Helper()
	x, y := luminance(t, a), luminance(t, b)
	return (max(x, y) + 0.05) / (min(x, y) + 0.05)
}

func TestColoursCanBeRead(t *testing.T) {
	t.Parallel()
	light, dark, both := strings.Cut(console.Stylesheet(), "@media (prefers-color-scheme: dark)")
	assert.True(t, both, "a light and a dark scheme")
	property := regexp.MustCompile(`(--[a-z-]+): (#[0-9a-f]{6});`)
	for scheme, css := range map[string]string{"light": light, "dark": dark} {
		colours := make(map[string]string)
		for _, m := range property.FindAllStringSubmatch(css, -1) {
			colours[m[1]] = m[2]
		}
		for _, pair := range []struct {
			front, back string
			least       float64
		}{
			{"--text", "--bg", 7},
			{"--text", "--surface", 7},
			{"--text", "--raised", 7},
			{"--text", "--accent-soft", 7},
			{"--text", "--ok-soft", 7},
			{"--text", "--warn-soft", 7},
			{"--text", "--bad-soft", 7},
			{"--muted", "--bg", 4.5},
			{"--muted", "--surface", 4.5},
			{"--muted", "--raised", 4.5},
			{"--accent", "--bg", 4.5},
			{"--accent", "--surface", 4.5},
			{"--accent", "--raised", 4.5},
			{"--accent", "--accent-soft", 4.5},
			{"--accent-text", "--accent", 4.5},
			{"--ok", "--ok-soft", 4.5},
			{"--ok", "--surface", 4.5},
			{"--warn", "--warn-soft", 4.5},
			{"--warn", "--surface", 4.5},
			{"--bad", "--bad-soft", 4.5},
			{"--bad", "--surface", 4.5},
			{"--field", "--surface", 3}, // the edge of a control
		} {
			front, back := colours[pair.front], colours[pair.back]
			if front == "" || back == "" {
				t.Errorf("%s: %s or %s is not a colour", scheme, pair.front, pair.back)
				continue
			}
			if got := contrast(t, front, back); got < pair.least {
				t.Errorf("%s: %s on %s has contrast %.2f, want at least %.1f", scheme, pair.front, pair.back, got, pair.least)
			}
		}
	}
}

func TestStyleNeedsNobody(t *testing.T) {
	t.Parallel()
	for _, foreign := range []string{"url(", "@import", "http:", "https:", "@font-face"} {
		assert.True(t, !strings.Contains(console.Stylesheet(), foreign), "the style fetches nothing: "+foreign)
	}
}

package browser_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// maxPicture is the most that the picture may weigh in the repository, in bytes.
const maxPicture = 300 << 10

// The picture of the README is that of a real daemon. ROSTER_PICTURE=1 makes it anew.
func TestPicture(t *testing.T) {
	if os.Getenv("ROSTER_PICTURE") == "" {
		t.Skip("ROSTER_PICTURE=1 makes docs/console.png anew")
	}
	_, plugins := buildPrograms(t)
	folder := filepath.Join(plugins, "thumbnail")
	cmd := exec.CommandContext(t.Context(), "go", "build", "-o", filepath.Join(folder, "thumbnail"), "./examples/thumbnail")
	cmd.Dir = "../../.."
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	descriptor, err := os.ReadFile("../../../examples/thumbnail/plugin.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, "plugin.yaml"), descriptor, 0o600); err != nil {
		t.Fatal(err)
	}
	daemons, _ := startRegions(t, "ap", "eu", "us")
	eu := daemons["eu"]
	b := newTab(t)
	b.open(eu.url + "/console/regions")
	b.until(`document.querySelectorAll("svg.map .edge.ok").length === 6`)
	for range 400 {
		if status, body := eu.call(t, "markdown.render", `{"markdown": "# a"}`); status != 200 {
			t.Fatal(status, body)
		}
	}
	for range 40 {
		eu.call(t, "text.stats", `{"text": "a b"}`)
	}
	eu.roster(t, "kill", "entry/linked/process.describe", "--reason", "shows too much", "--by", "ann", "--force")
	for range 12 {
		eu.call(t, "markdwn.render", `{}`)
	}
	for range 3 {
		eu.call(t, "image.thumbnial", `{}`)
	}
	eu.call(t, "invoice.pdf", `{}`)
	const width, height, scale = 1280, 1190, 1
	call(b, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: width, Height: height, DeviceScaleFactor: scale})
	b.open(eu.url + "/console")
	b.shows("#part-missesbrief", "invoice.pdf")
	b.shows("#part-attention", "found nothing in the last minute")
	ctx, cancel := b.within()
	defer cancel()
	picture, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
	if err != nil {
		t.Fatal(err)
	}
	if len(picture) > maxPicture {
		t.Errorf("the picture has %d bytes, more than %d", len(picture), maxPicture)
	}
	if err := os.WriteFile("../../../docs/console.png", picture, 0o600); err != nil {
		t.Fatal(err)
	}
}

package plugin_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/roster-go/roster/plugin"
)

// findings runs the kit over a mode of the test plugin.
func findings(t *testing.T, mode string) map[string]plugin.Finding {
	t.Helper()
	list, err := plugin.Conform(t.Context(), plugin.Descriptor{Command: []string{testPlugin, mode}})
	if err != nil {
		t.Fatal(err)
	}
	byCheck := map[string]plugin.Finding{}
	for _, f := range list {
		byCheck[f.Check] = f
		if !f.OK && f.Fix == "" {
			t.Errorf("%s: what is to be done?", f.Check)
		}
	}
	return byCheck
}

func TestConform(t *testing.T) {
	t.Parallel()
	got := findings(t, "typed")
	for _, check := range []string{
		"without a host", "handshake", "describe", "declaration", "init", "reconfigure", "health", "unknown function",
		"concurrency", "canceled calls", "shutdown", "host gone",
	} {
		if f, ran := got[check]; !ran || !f.OK || f.Skipped {
			t.Errorf("%s: %+v", check, f)
		}
	}
	var b strings.Builder
	ok, err := plugin.WriteFindings(&b, []plugin.Finding{got["init"], {Check: "x", Detail: "it is bad", Fix: "mend it"}})
	const want = "ok       init  it takes its config\nFAILED   x     it is bad\n               to do: mend it\n"
	if ok || err != nil || b.String() != want {
		t.Errorf("%v %v\n got %q\nwant %q", ok, err, b.String(), want)
	}
}

// What cannot be started cannot be checked.
func TestConformNeedsAProgram(t *testing.T) {
	t.Parallel()
	for _, d := range []plugin.Descriptor{{Attach: "/socket"}, {Endpoint: "127.0.0.1:1"}, {Module: "x.wasm"}, {}} {
		var wrong *plugin.DescriptorError
		if list, err := plugin.Conform(t.Context(), d); !errors.As(err, &wrong) || list != nil {
			t.Errorf("%+v: %v %v", d, list, err)
		}
	}
}

// Each mode fails its own check and says why.
func TestConformFinds(t *testing.T) {
	t.Parallel()
	for mode, want := range map[string][2]string{
		"garbage":       {"handshake", `it printed "hello, I am no plugin" instead of a handshake`},
		"exit-init":     {"init", "error reading from server"},
		"crash-on-null": {"function bad.crash", "Unavailable"},
		"deaf":          {"host gone", "still ran"},
		"stubborn":      {"shutdown", "still ran"},
		"rough":         {"shutdown", "exit status 4"},
	} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			got := findings(t, mode)
			if f, ran := got[want[0]]; !ran || f.OK || !strings.Contains(f.Detail, want[1]) {
				t.Errorf("%+v", got)
			}
		})
	}
}

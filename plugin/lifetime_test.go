package plugin_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/roster-go/roster/plugin"
)

func TestEndOfLife(t *testing.T) {
	h := newHost(t, plugin.Options{
		APIVersions: []string{"v0", "v1", "v2"},
		EndOfLife:   map[string]time.Time{"v0": time.Date(2020, 2, 29, 0, 0, 0, 0, time.UTC), "v2": time.Now().AddDate(1, 0, 0)},
	})
	old := describe("old", "")
	old.APIVersion = "v0"
	err := h.Add(t.Context(), old)
	var refused *plugin.APIVersionError
	const want = `plugin: old/plugin.yaml: plugin "old" has api_version "v0", whose life on this host ended on 2020-02-29, this host allows "v1", "v2"; ` +
		`use a build of the plugin for one of those`
	if !errors.As(err, &refused) || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
	add(t, h, describe("p", "")) // v1, which has no end
	if status := h.Plugins(); len(status) != 1 || !status[0].EndOfLife.IsZero() {
		t.Errorf("%+v", status)
	}
}

// A plugin that is there when the life of its version ends goes on until it is
// removed, also after a crash, and is not added again.
func TestEndOfLifeOfARunningPlugin(t *testing.T) {
	log := &testWriter{t: t}
	end := time.Now().Add(3 * time.Second)
	h := newHost(t, plugin.Options{EndOfLife: map[string]time.Time{"v1": end}, Logger: newLog(log)}.Hasten())
	add(t, h, describe("p", ""))
	if status := h.Plugins(); !status[0].EndOfLife.Equal(end) {
		t.Errorf("%+v", status)
	}
	eventually(t, "the life of v1 has ended", func() bool { return time.Now().After(end) })
	pid := h.Plugins()[0].PID
	if _, err := h.Call(t.Context(), "test.exit", nil); err == nil {
		t.Error("the plugin does not crash")
	}
	eventually(t, "it is started again", func() bool {
		s := h.Plugins()[0]
		return s.State == plugin.Ready && s.PID != pid
	})
	var refused *plugin.APIVersionError
	if err := h.Replace(t.Context(), describe("p", "")); !errors.As(err, &refused) || refused.Ended.IsZero() {
		t.Errorf("got %v", err)
	}
	if err := h.Remove(t.Context(), "p"); err != nil {
		t.Error(err)
	}
	if err := h.Add(t.Context(), describe("p", "")); !errors.As(err, &refused) {
		t.Errorf("got %v", err)
	}
	if text := log.String(); !strings.Contains(text, "near its end of life") {
		t.Errorf("nobody is warned: %s", text)
	}
}

func TestEndOfLifeOfAVersionThatIsNotAllowed(t *testing.T) {
	_, err := plugin.NewHost(plugin.Options{EndOfLife: map[string]time.Time{"v7": time.Now()}})
	if err == nil || !strings.Contains(err.Error(), `Options.EndOfLife has api_version "v7", and Options.APIVersions are "v1"`) {
		t.Error(err)
	}
}

package builtin

import (
	"context"
	"fmt"
	"os"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/roster-go/roster/plugin"
	"github.com/roster-go/roster/plugin/sdk"
)

// Name of the plugin that the binary is to itself, and the hidden command that
// serves it.
const (
	PluginName    = "builtin"
	PluginCommand = "serve-builtin-plugin"
)

// Version is the plugin's, which is the binary's.
const Version = "0.1.0"

const textStats = "text.stats"

// Descriptor describes the binary as a plugin of itself.
func Descriptor() (plugin.Descriptor, error) {
	program, err := os.Executable()
	if err != nil {
		return plugin.Descriptor{}, fmt.Errorf("the path of this program, to run it as its own plugin: %w", err)
	}
	sandbox := plugin.Confined()
	sandbox.Namespaces = false // in its own it would be process 1, and could not tell who it is
	return plugin.Descriptor{
		Name:         PluginName,
		Version:      Version,
		APIVersion:   "v1",
		Command:      []string{program, PluginCommand},
		Capabilities: []plugin.Capability{{Name: textStats, Idempotent: true}},
		Sandbox:      sandbox,
		Source:       "built in",
	}, nil
}

// Serve runs the plugin side until the host ends it.
func Serve(ctx context.Context) error {
	return sdk.Run(ctx, sdk.Plugin{Name: PluginName, Version: Version}, sdk.Func(textStats, stats))
}

type statsInput struct {
	Text string `json:"text"`
}

type statsOutput struct {
	Bytes      int `json:"bytes"`
	Characters int `json:"characters"` // Unicode code points
	Words      int `json:"words"`
	Lines      int `json:"lines"`
	PID        int `json:"pid"` // of the plugin process
}

func stats(_ context.Context, in statsInput) (statsOutput, error) {
	lines := strings.Count(in.Text, "\n")
	if in.Text != "" && !strings.HasSuffix(in.Text, "\n") {
		lines++
	}
	return statsOutput{
		Bytes:      len(in.Text),
		Characters: utf8.RuneCountInString(in.Text),
		Words:      len(strings.FieldsFunc(in.Text, unicode.IsSpace)),
		Lines:      lines,
		PID:        os.Getpid(),
	}, nil
}

package plugin_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/roster-go/roster"
	"github.com/roster-go/roster/plugin"
)

// A linked-in function is called like a plugin, by the name of its capability.
func ExampleHost_Call() {
	functions := roster.New[plugin.Function](roster.Named("functions"), roster.In(roster.NewDirectory()))
	functions.Register("text.upper", func(_ context.Context, input json.RawMessage) (json.RawMessage, error) {
		return json.RawMessage(strings.ToUpper(string(input))), nil
	})
	host, err := plugin.NewHost(plugin.Options{Linked: functions, Directory: roster.NewDirectory(), Host: "here"})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer host.Close(context.Background())

	answer, err := host.Call(context.Background(), "text.upper", json.RawMessage(`"hello"`))
	fmt.Println(string(answer.Output), "by", answer.ServedBy, err)

	_, err = host.Call(context.Background(), "text.uper", nil)
	fmt.Println(err)
	// Output:
	// "HELLO" by linked-in text.upper <nil>
	// plugin: nobody serves "text.uper" (did you mean "text.upper"?); asked here; registered: text.upper
}

func ExampleParseDescriptor() {
	d, err := plugin.ParseDescriptor("plugins/markdown/plugin.yaml", []byte(`
name: markdown
api_version: v1
command: ./markdown
capabilities: [markdown.render]
`))
	fmt.Println(d.Name, d.Command, d.Capabilities[0].Name, d.Capabilities[0].Kind, err)

	_, err = plugin.ParseDescriptor("plugins/markdown/plugin.yaml", []byte("nmae: markdown"))
	fmt.Println(err)
	// Output:
	// markdown [./markdown] markdown.render function <nil>
	// plugin: plugins/markdown/plugin.yaml:1:1: unknown field "nmae" (did you mean "name"?); known fields: api_version, attach, capabilities, command, config, endpoint, go_plugin, module, name, sandbox, sha256, tls, version
}

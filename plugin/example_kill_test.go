package plugin_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/roster-go/roster"
	"github.com/roster-go/roster/kill"
	"github.com/roster-go/roster/plugin"
)

// A capability that is killed is refused, whoever serves it, until it is revived with a
// higher epoch.
func ExampleKilledError() {
	s, _ := kill.Open("") // from a file in a real program, so that it is remembered
	functions := roster.New[plugin.Function](roster.In(roster.NewDirectory()))
	functions.Register("text.echo", func(_ context.Context, input json.RawMessage) (json.RawMessage, error) { return input, nil })
	host, err := plugin.NewHost(plugin.Options{Linked: functions, Kill: s, Directory: roster.NewDirectory()})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer host.Close(context.Background())
	order := kill.Order{Target: kill.Capability("text.echo"), Epoch: 1, Reason: "it echoes secrets", By: "ada"}

	_, _ = s.Apply("hub eu", order)
	_, err = host.Call(context.Background(), "text.echo", nil)
	killed, _ := errors.AsType[*plugin.KilledError](err)
	fmt.Println(killed.Target, killed.Reason, len(host.Capabilities()))

	order.Epoch, order.Revived, order.Reason = 2, true, "it does no more"
	_, _ = s.Apply("hub eu", order)
	answer, err := host.Call(context.Background(), "text.echo", json.RawMessage(`"hi"`))
	fmt.Println(string(answer.Output), err)
	// Output:
	// capability/text.echo it echoes secrets 0
	// "hi" <nil>
}

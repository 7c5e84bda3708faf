package e2e_test

import (
	"bytes"
	"context"
	"encoding/json"
	"math/rand/v2"
	"strconv"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/roster-go/roster"
	"github.com/roster-go/roster/factory"
)

type schemaNode struct {
	Host    string        `json:"host" config:"required"`
	Port    uint16        `json:"port"`
	Timeout time.Duration `json:"timeout"`
}

type schemaConfig struct {
	Name   string                `json:"name" doc:"what people call it"`
	Secret factory.Secret        `json:"secret"`
	Small  int8                  `json:"small"`
	Large  int64                 `json:"large"`
	Ratio  float64               `json:"ratio"`
	On     bool                  `json:"on"`
	Pair   [2]int                `json:"pair"`
	Tags   []string              `json:"tags"`
	Labels map[string]string     `json:"labels"`
	Main   schemaNode            `json:"main"`
	Spare  *schemaNode           `json:"spare"`
	Nodes  map[string]schemaNode `json:"nodes"`
	Any    any                   `json:"any"`
}

// A validator of somebody else's and the decoder agree on what is a config, over
// thousands of configs, right and wrong ones. The schema is valid by its own
// dialect, or it would not compile.
func TestSchemaAgreesWithTheDecoder(t *testing.T) {
	t.Parallel()
	things := roster.New[*factory.Factory[int]](roster.Unlisted())
	factory.Register(things, "thing", func(context.Context, schemaConfig) (int, error) { return 1, nil },
		factory.Defaults(schemaConfig{Name: "x", Ratio: 0.5, Spare: &schemaNode{Port: 1}, Secret: factory.NewSecret("hidden"), Main: schemaNode{Timeout: time.Minute}}))
	text, err := factory.Schema(things, "thing")
	if err != nil {
		t.Fatal(err)
	}
	schema := compiled(t, text)
	random := rand.New(rand.NewPCG(1, 2))
	accepted := 0
	const rounds = 5_000
	for range rounds {
		config := make(map[string]any)
		for range random.IntN(4) {
			names := []string{"name", "secret", "small", "large", "ratio", "on", "pair", "tags", "labels", "main", "spare", "nodes", "any", "Name"}
			name := names[random.IntN(len(names))]
			if random.IntN(3) == 0 {
				config[name] = anyValue(random, 2)
			} else {
				config[name] = likelyValue(random, name)
			}
		}
		data, err := json.Marshal(config)
		if err != nil {
			t.Fatal(err)
		}
		instance, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		bySchema, byDecoder := schema.Validate(instance), factory.Check(things, "thing", data)
		if (bySchema == nil) != (byDecoder == nil) {
			t.Fatalf("%s\nby the schema: %v\nby the decoder: %v", data, bySchema, byDecoder)
		}
		if byDecoder == nil {
			accepted++
		}
	}
	if accepted < rounds/10 || accepted > rounds*9/10 {
		t.Fatalf("%d of %d are accepted, which shows little", accepted, rounds)
	}
}

func compiled(t *testing.T, text []byte) *jsonschema.Schema {
	t.Helper()
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("schema.json", document); err != nil {
		t.Fatal(err)
	}
	schema, err := c.Compile("schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

// likelyValue is one that the field called name probably takes.
func likelyValue(random *rand.Rand, name string) any {
	node := func() map[string]any {
		node := map[string]any{"host": "h"}
		switch random.IntN(6) {
		case 0:
			node["port"] = random.IntN(70_000)
		case 1:
			node["timeout"] = []string{"1m30s", "0", "-1.5h", "1", "", "1 s", "2µs", ".5s", "s"}[random.IntN(9)]
		case 2:
			delete(node, "host")
		}
		return node
	}
	switch name {
	case "name", "secret":
		return "text"
	case "small":
		return random.IntN(300) - 150
	case "large":
		return json.Number([]string{"9223372036854775807", "9223372036854775808", "-9223372036854775808", "1e3", "2.0", "0.5"}[random.IntN(6)])
	case "ratio":
		return random.Float64()
	case "on":
		return true
	case "pair":
		return []int{1, 2, 3}[:1+random.IntN(3)]
	case "tags":
		return []string{"a", "b"}
	case "labels":
		return map[string]string{"k": "v"}
	case "main":
		return node()
	case "spare":
		return []any{nil, node()}[random.IntN(2)]
	case "nodes":
		return map[string]any{strconv.Itoa(random.IntN(9)): node()}
	}
	return anyValue(random, 2)
}

func anyValue(random *rand.Rand, depth int) any {
	switch n := random.IntN(7); {
	case n == 0:
		return nil
	case n == 1:
		return random.IntN(2) == 0
	case n == 2:
		return random.IntN(400) - 200
	case n == 3:
		return random.Float64()
	case n == 4 || depth == 0:
		return []string{"", "text", "1m"}[random.IntN(3)]
	case n == 5:
		return []any{anyValue(random, depth-1)}
	}
	return map[string]any{[]string{"host", "port", "x"}[random.IntN(3)]: anyValue(random, depth-1)}
}

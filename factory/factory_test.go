package factory_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/roster-go/roster"
	"github.com/roster-go/roster/factory"
	"github.com/roster-go/roster/internal/assert"
)

// bg is the context of tests that need none.
var bg = context.Background()

type base struct {
	Level string `json:"level" doc:"how much to log"`
}

type server struct {
	Host    string        `json:"host" config:"required"`
	Port    uint16        `json:"port"`
	Timeout time.Duration `json:"timeout"`
}

func (s server) Validate() error {
	if s.Port == 666 {
		return errors.New("port 666 is not allowed")
	}
	return nil
}

type full struct {
	base

	Address  string            `json:"address" url:"address"`
	User     string            `json:"user" url:"user"`
	Password factory.Secret    `json:"password" url:"password" doc:"of the user"`
	DB       int8              `json:"db" url:"tail"`
	On       bool              `json:"on"`
	Ratio    float64           `json:"ratio"`
	Since    time.Time         `json:"since"`
	Key      []byte            `json:"key"`
	IP       netip.Addr        `json:"ip"`
	Raw      json.RawMessage   `json:"raw"`
	Any      any               `json:"any"`
	Tags     []string          `json:"tags"`
	Pair     [2]int            `json:"pair"`
	Labels   map[string]string `json:"labels"`
	Servers  []server          `json:"servers"`
	Spare    *server           `json:"spare"`
	Tokens   []factory.Secret  `json:"tokens"`
	ignored  int
	Hook     func() `json:"-"`
}

// made is the product: it is the config that the constructor got.
type made struct{ config full }

func newFull(_ context.Context, c full) (*made, error) {
	c.ignored++
	return &made{c}, nil
}

var defaults = full{base: base{"info"}, Address: "localhost:1", Ratio: 0.5, Tags: []string{"a"}, Labels: map[string]string{"k": "v"},
	Spare: &server{Timeout: time.Minute}, Password: factory.NewSecret("hunter2")}

func registry(tb testing.TB) *roster.Registry[*factory.Factory[*made]] {
	tb.Helper()
	r := roster.New[*factory.Factory[*made]](roster.Named("things"), roster.Unlisted())
	factory.Register(r, "full", newFull, factory.Defaults(defaults))
	factory.Register(r, "plain", newFull)
	return r
}

const everything = `{
	"level": "debug", "address": "h:2", "user": "u", "password": "s3cret", "db": -7, "on": true, "ratio": 0.25,
	"since": "2026-01-02T03:04:05Z", "key": "AQI=", "ip": "10.0.0.1", "raw": {"x": [1]}, "any": {"y": null},
	"tags": ["x", "y"], "pair": [1, 2.0], "labels": {"a.b": "c"}, "servers": [{"host": "h", "port": 80, "timeout": "1m30s"}],
	"spare": null, "tokens": ["t1", "t2"]
}`

// The same config comes out of JSON, of a map as YAML decoders make it, and, as far as
// it can be written there, of a URL.
func TestSourcesAgree(t *testing.T) {
	r := registry(t)
	fromJSON, err := factory.FromJSON(bg, r, "full", []byte(everything))
	assert.NoError(t, err)
	var m map[string]any
	assert.NoError(t, json.Unmarshal([]byte(everything), &m))
	m["labels"] = map[any]any{"a.b": "c"}
	m["key"], m["since"] = "AQI=", time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	m["tags"], m["tokens"] = []string{"x", "y"}, []factory.Secret{factory.NewSecret("t1"), factory.NewSecret("t2")}
	m["servers"].([]any)[0].(map[string]any)["timeout"] = 90 * time.Second
	m["db"], m["ip"] = int64(-7), new(netip.MustParseAddr("10.0.0.1"))
	fromMap, err := factory.FromMap(bg, r, "full", m)
	assert.NoError(t, err)
	fromURL, err := factory.FromURL(bg, r, "full://u:s3cret@h:2/-7?level=debug&on=true&ratio=0.25&since=2026-01-02T03:04:05Z&key=AQI%3D"+
		"&ip=10.0.0.1&tags=x&tags=y&pair=1&pair=2&tokens=t1&tokens=t2&spare.host=h&spare.port=80")
	assert.NoError(t, err)

	c := fromJSON.config
	assert.Equal(t, []string{c.Level, c.Address, c.User, c.Password.Reveal(), string(c.Key), c.IP.String(), string(c.Raw), c.Labels["a.b"]},
		[]string{"debug", "h:2", "u", "s3cret", "\x01\x02", "10.0.0.1", `{"x": [1]}`, "c"})
	assert.Equal(t, []any{c.DB, c.On, c.Ratio, c.Since.Year(), c.Any, c.Tags, c.Pair, c.Servers, c.Spare, c.Tokens[1].Reveal()},
		[]any{int8(-7), true, 0.25, 2026, any(map[string]any{"y": nil}), []string{"x", "y"}, [2]int{1, 2},
			[]server{{"h", 80, 90 * time.Second}}, (*server)(nil), "t2"})
	c.Raw, fromMap.config.Raw = nil, nil // the white space of JSON is not in a map
	assert.Equal(t, asText(fromMap.config), asText(c))
	c.Raw, c.Any, c.Servers, c.Labels, c.Spare = nil, nil, nil, defaults.Labels, &server{"h", 80, time.Minute}
	assert.Equal(t, asText(fromURL.config), asText(c))
}

// asText is a config as text, with its secrets.
func asText(c full) string {
	tokens := make([]string, len(c.Tokens))
	for i, s := range c.Tokens {
		tokens[i] = s.Reveal()
	}
	spare := c.Spare
	c.Spare = nil
	return fmt.Sprintf("%+v %+v %s %s", c, spare, c.Password.Reveal(), tokens)
}

func TestDefaults(t *testing.T) {
	r := registry(t)
	first, err := factory.FromJSON(bg, r, "full", nil)
	assert.NoError(t, err)
	assert.Equal(t, []any{first.config.Level, first.config.Ratio, first.config.Tags}, []any{"info", 0.5, []string{"a"}})
	first.config.Tags[0], first.config.Labels["k"], first.config.Spare.Timeout = "changed", "changed", 0
	second, err := factory.FromMap(bg, r, "full", nil)
	assert.NoError(t, err)
	assert.Equal(t, []any{second.config.Tags, second.config.Labels, *second.config.Spare},
		[]any{[]string{"a"}, map[string]string{"k": "v"}, server{Timeout: time.Minute}})
	third, err := factory.FromJSON(bg, r, "full", []byte(`{"spare": {"host": "x"}, "labels": {"n": "m"}}`))
	assert.NoError(t, err)
	assert.Equal(t, *third.config.Spare, server{"x", 0, time.Minute})
	assert.Equal(t, third.config.Labels, map[string]string{"n": "m"})
}

// Every way to get a config wrong, with the text that its author reads. Set
// UPDATE_GOLDEN=1 to write the file anew.
func TestFaults(t *testing.T) {
	r := registry(t)
	var b strings.Builder
	note := func(input any, err error) {
		if err == nil {
			t.Fatalf("%v is accepted", input)
		}
		assert.True(t, errors.Is(err, factory.ErrConfig), "it is a faulty config")
		fmt.Fprintf(&b, "%v\n  %s\n\n", input, strings.ReplaceAll(err.Error(), "\n", "\n  "))
	}
	for _, data := range []string{
		`{"adress": "x"}`, `{"servers": [{"host": "a"}, {"host": "b", "prot": 1}]}`, `{"db": 128}`, `{"db": 1.5}`, `{"db": 1e999999999}`,
		`{"db": "1"}`, `{"on": 1}`, `{"ratio": "x"}`, `{"ratio": 1e400}`, `{"since": "today"}`, `{"since": 1}`, `{"key": "?"}`, `{"ip": "1.2.3"}`,
		`{"tags": "x"}`, `{"tags": [1]}`, `{"pair": [1]}`, `{"labels": ["x"]}`, `{"labels": {"a": 1}}`, `{"servers": [{"port": 1}]}`,
		`{"servers": [{"host": "h", "port": 65536, "timeout": 5}]}`, `{"servers": [{"host": "h", "timeout": "5"}]}`,
		`{"servers": [{"host": "h", "port": 666}], "spare": {"host": "h", "port": 666}}`, `{"address": null}`, `{"password": 5}`,
		`{"password": "[redacted]"}`, `{"Address": "x"}`, "{\n  \"db\": 1,\n  \"db\": 2\n}", `{"db": 1} {}`, `{"db": 1`, `{"db": }`, `{"db": tru}`, `{"db" 1}`, `{"db": 1,}`, `{"tags": ["a" "b"]}`, `[]`, `"x"`, `null`, `{,}`,
		"{\"a\\u0000b\": 1}", `{"labels": ` + strings.Repeat(`{"a":`, 70) + strings.Repeat(`}`, 71), strings.Repeat(" ", factory.MaxSize) + "{}",
		`{"labels": {` + manyFields(25) + `}}`, `{"raw": [` + strings.Repeat("0,", factory.MaxValues) + `0]}`,
	} {
		_, err := factory.FromJSON(bg, r, "full", []byte(data))
		note(head(data), err)
		assert.Equal(t, fmt.Sprint(factory.Check(r, "full", []byte(data))), fmt.Sprint(err))
	}
	self := map[string]any{}
	self["any"] = self
	for name, m := range map[string]map[string]any{
		"a cycle": self, "a channel": {"any": make(chan int)}, "not a number": {"ratio": nan()}, "keys": {"labels": map[any]any{1: "x"}},
		"float": {"db": 1.5}, "large": {"db": 1e17}, "number": {"db": json.Number("x")}, "nil": {"address": (*string)(nil)},
	} {
		_, err := factory.FromMap(bg, r, "full", m)
		note("map with "+name, err)
	}
	for _, u := range []string{
		"full://h:1/?adress=x", "full://h/?tags=a&db=1&db=2", "full://h/3?db=2", "full://h#frag", "full://h/?on=yes", "full://h/?ratio=NaN", "full://h/x",
		"full://u:p%zz@h", "full://u:hunter/2@h", "full://h/?a;b", "full://h/?spare=x", "full://h/?spare.host=x&spare.host.x=y", "full://h/?spare=x&spare.host=y",
		"host", "full:%zz", "full://h?" + strings.Repeat("a.", 70) + "b=1", "full://h?tags.x=1",
	} {
		_, err := factory.FromURL(bg, r, u)
		note(head(u), err)
		assert.True(t, !strings.Contains(err.Error(), "hunter"), "the password is not told")
	}
	for _, data := range []string{`{"db": 1}`, `{"type": 1}`, `[]`, `{"type": "full", "x": 1}`, `{`} {
		_, err := factory.FromTyped(bg, r, "type", []byte(data))
		note("typed "+data, err)
	}
	compareGolden(t, "faults.golden", sortedParagraphs(b.String()))
}

func sortedParagraphs(s string) string {
	parts := strings.Split(strings.TrimSpace(s), "\n\n")
	slices.Sort(parts)
	return strings.Join(parts, "\n\n") + "\n"
}

func manyFields(n int) string {
	fields := make([]string, n)
	for i := range fields {
		fields[i] = fmt.Sprintf(`"f%d": 1`, i)
	}
	return strings.Join(fields, ", ")
}

func nan() float64 {
	zero := 0.0
	return zero / zero
}

func head(s string) string {
	s = strings.ReplaceAll(s, "\n", `\n`)
	if len(s) > 100 {
		return s[:100] + "…"
	}
	return s
}

func compareGolden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if os.Getenv("UPDATE_GOLDEN") == "1" {
		assert.NoError(t, os.WriteFile(file, []byte(got), 0o600))
	}
	want, err := os.ReadFile(file)
	assert.NoError(t, err)
	if got != string(want) {
		t.Fatalf("%s differs; got\n%s", file, got)
	}
}

func TestUnknownFactory(t *testing.T) {
	r := registry(t)
	_, err := factory.FromJSON(bg, r, "ful", nil)
	assert.Equal(t, assert.ErrorAs[*roster.UnknownError](t, err).Name, "ful")
	_, err = factory.FromURL(bg, r, "fulll://u:hunter2@h")
	assert.ErrorAs[*roster.UnknownError](t, err)
	assert.True(t, !strings.Contains(err.Error(), "hunter2"), "the password is not told")
	_, err = factory.FromTyped(bg, r, "type", []byte(`{"type": "plane"}`))
	assert.Contains(t, err.Error(), "plain")
	_, err = factory.Schema(r, "x")
	assert.ErrorAs[*roster.UnknownError](t, err)
}

func TestFromTyped(t *testing.T) {
	got, err := factory.FromTyped(bg, registry(t), "kind", []byte(`{"db": 3, "kind": "plain"}`))
	assert.NoError(t, err)
	assert.Equal(t, got.config.DB, 3)
}

func TestConstructorsAreContained(t *testing.T) {
	r := roster.New[*factory.Factory[fmt.Stringer]](roster.Named("things"), roster.Unlisted())
	type empty struct{}
	down := errors.New("connection refused")
	factory.Register(r, "fails", func(context.Context, empty) (fmt.Stringer, error) { return nil, down })
	factory.Register(r, "panics", func(context.Context, empty) (fmt.Stringer, error) { panic("oops") })
	factory.Register(r, "nothing", func(context.Context, empty) (fmt.Stringer, error) { return (*time.Location)(nil), nil })
	factory.Register(r, "ctx", func(ctx context.Context, _ empty) (fmt.Stringer, error) { return time.UTC, context.Cause(ctx) })
	for name, want := range map[string]string{"fails": "connection refused", "panics": "oops", "nothing": "neither a product nor an error", "ctx": "too late"} {
		ctx, cancel := context.WithCancelCause(bg)
		cancel(errors.New("too late"))
		got, err := factory.FromJSON(ctx, r, name, nil)
		assert.True(t, got == nil, "there is no product")
		failed := assert.ErrorAs[*factory.BuildError](t, err)
		assert.Contains(t, failed.Error(), `roster: things: the factory "`+name+`", made at `, "factory_test.go", want)
	}
	_, err := factory.FromJSON(bg, r, "fails", nil)
	assert.True(t, errors.Is(err, down), "the cause is in it")
	got, err := factory.FromJSON(bg, r, "ctx", nil)
	assert.Equal(t, fmt.Sprint(got, err), "UTC <nil>")
}

type loop struct{ Next []loop }

func TestConfigTypesThatCannotWork(t *testing.T) {
	for want, try := range map[string]func() error{
		"the field F is of the type func(), which no config can fill":        tryConfig[struct{ F func() }],
		"the field F[] is of the type chan int":                              tryConfig[struct{ F []chan int }],
		"the field F is a map whose keys are not plain strings":              tryConfig[struct{ F map[int]int }],
		"the field F is of the interface type error":                         tryConfig[struct{ F error }],
		"the field Next[] is a factory_test.loop within a factory_test.loop": tryConfig[loop],
		"it is not a struct with fields":                                     tryConfig[int],
		`the field f has the tag config:"must"; it can be "required"`: tryConfig[struct {
			F int `json:"f" config:"must"`
		}],
		`the field F has the tag url:"hose"; it can be one of host, port`: tryConfig[struct {
			F int `url:"hose"`
		}],
		`only fields of the config itself can be a part of a URL`: tryConfig[struct {
			F struct {
				G int `url:"host"`
			}
		}],
		`the fields F and G both have the tag url:"host"`: tryConfig[struct {
			F, G int `url:"host"`
		}],
		`has two fields called "G"`: tryConfig[struct {
			F int `json:"G"`
			G int
		}],
		`the config embeds *factory_test.base`: tryConfig[struct{ *base }],
		`has a dot or a bracket in its name`: tryConfig[struct {
			F int `json:"a.b"`
		}],
	} {
		err := try()
		assert.ErrorAs[*factory.TypeError](t, err)
		assert.Contains(t, err.Error(), "roster: no factory can take a ", want, "factory_test.go")
	}
	type config struct {
		A int `json:"a" config:"required"`
	}
	p := assert.Panics(t, func() {
		factory.Of(func(context.Context, config) (int, error) { return 1, nil }, factory.Defaults(config{1}))
	})
	assert.Contains(t, fmt.Sprint(p), "the field a is required, and has a default", "factory_test.go")
	r := roster.New[*factory.Factory[int]](roster.Unlisted())
	assert.Contains(t, fmt.Sprint(factory.TryRegister[int, config](r, "x", nil)), "the constructor is nil")
	assert.Equal(t, r.Len(), 0)
}

func tryConfig[C any]() error {
	r := roster.New[*factory.Factory[int]](roster.Unlisted())
	return factory.TryRegister(r, "x", func(context.Context, C) (int, error) { return 1, nil })
}

func TestFactoriesInOtherViews(t *testing.T) {
	h := roster.NewHot[*factory.Factory[*made]](roster.Unlisted())
	factory.Register(h, "full", newFull)
	pin := h.Pin()
	defer pin.Release()
	assert.NoError(t, h.Replace("full", factory.Of(newFull, factory.Defaults(defaults))))
	for want, v := range map[string]roster.View[*factory.Factory[*made]]{"": pin, "info": h, " info": roster.Only[*factory.Factory[*made]](h, "full")} {
		got, err := factory.FromJSON(bg, v, "full", nil)
		assert.NoError(t, err)
		assert.Equal(t, got.config.Level, strings.TrimSpace(want))
	}
}

// A secret does not print in any way that Go programs print.
func TestSecretsDoNotPrint(t *testing.T) {
	const hidden = "hunter2"
	s := factory.NewSecret(hidden)
	holder := struct {
		Exported factory.Secret
		private  factory.Secret
		list     []factory.Secret
	}{s, s, []factory.Secret{s}}
	var b strings.Builder
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d", "%p", "%T", "%t", "%e", "%U", "%10.3s"} {
		fmt.Fprintf(&b, verb+verb+verb+verb, s, &s, holder, &holder)
	}
	fmt.Fprint(&b, s, holder, fmt.Errorf("%w %v", errors.New("x"), s))
	data, err := json.Marshal(holder)
	assert.NoError(t, err)
	for _, h := range []slog.Handler{slog.NewTextHandler(&b, nil), slog.NewJSONHandler(&b, nil)} {
		slog.New(h).Info("m", "s", s, "p", &s, "h", holder, "in", []any{s})
	}
	b.Write(data)
	fmt.Fprintf(&b, "%v", reflect.ValueOf(holder))
	text := b.String()
	for _, form := range []string{hidden, "68756e74657232", "68756E74657232", "[104 117 110"} {
		assert.True(t, !strings.Contains(text, form), "no "+form+" in "+text)
	}
	assert.Equal(t, string(data), `{"Exported":"[redacted]"}`)
	assert.Equal(t, s.Reveal(), hidden)
	var again factory.Secret
	assert.True(t, json.Unmarshal([]byte(`"[redacted]"`), &again) != nil, "what was printed is no secret")
	assert.NoError(t, json.Unmarshal([]byte(`"x"`), &again))
	assert.Equal(t, []any{again.Reveal(), again.IsZero(), factory.Secret{}.IsZero(), factory.NewSecret("").IsZero()}, []any{"x", false, true, true})
	assert.True(t, !reflect.TypeFor[factory.Secret]().Comparable(), "secrets are not compared by accident")
}

func TestDescribe(t *testing.T) {
	var b strings.Builder
	for d := range factory.Describe(registry(t)) {
		fmt.Fprintf(&b, "%s\n", d.Name)
		assert.Contains(t, d.Site.File, "factory_test.go")
		for _, f := range d.Fields {
			fmt.Fprintf(&b, "  %s: %s", f.Path, f.Type)
			for what, is := range map[string]bool{"required": f.Required, "secret": f.Secret} {
				if is {
					fmt.Fprintf(&b, ", %s", what)
				}
			}
			for _, part := range []struct{ what, is string }{{"default ", f.Default}, {"url ", f.URL}, {"", f.Doc}} {
				if part.is != "" {
					fmt.Fprintf(&b, ", %s%s", part.what, part.is)
				}
			}
			b.WriteString("\n")
		}
	}
	compareGolden(t, "describe.golden", b.String())
	schema, err := factory.Schema(registry(t), "full")
	assert.NoError(t, err)
	assert.True(t, !strings.Contains(b.String()+string(schema), "hunter2"), "no default of a secret is told")
	compareGolden(t, "schema.golden", string(schema)+"\n")
}

func TestFactoriesConcurrentSafe(t *testing.T) {
	r := registry(t)
	done := make(chan error)
	for range 4 {
		go func() {
			for range 200 {
				got, err := factory.FromJSON(bg, r, "full", []byte(everything))
				if err != nil || got.config.Tags[0] != "x" {
					done <- fmt.Errorf("%v: %w", got, err)
					return
				}
				got.config.Labels["new"] = "mine alone"
			}
			done <- nil
		}()
	}
	for range 4 {
		assert.NoError(t, <-done)
	}
}

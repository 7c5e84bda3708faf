package sdk_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/roster-go/roster/plugin/sdk"
)

type options struct {
	Quality int    `json:"quality"`
	Names   []name `json:"names"`
	ByKey   map[string]name
	hidden  string
}

type name struct {
	First string `json:"first"`
	Last  *string
	Skip  string `json:"-"`
}

type base struct {
	ID   int    `json:"id"`
	Blob []byte `json:"blob"`
}

type request struct {
	base
	Title   string          `json:"title"`
	Options *options        `json:"options,omitempty"`
	Extra   map[string]any  `json:"extra"`
	Raw     json.RawMessage `json:"raw"`
}

func TestDecode(t *testing.T) {
	_ = options{}.hidden
	for input, want := range map[string]string{
		`{"title":"x","options":{"quality":1,"names":[{"first":"a","last":"b"}],"bykey":{"k":{"first":"a"}}}}`: "",
		`{"TITLE":"x","extra":{"any":1},"raw":{"thing":2},"id":3,"blob":"aGk="}`:                               "",
		`null`:          "",
		`{}`:            "",
		`{"titel":"x"}`: `unknown field "titel"; known fields: blob, extra, id, options, raw, title`,
		`{"options":{"names":[{"first":"a"},{"frist":"b"}]}}`: `unknown field "options.names[1].frist"; known fields: Last, first`,
		`{"options":{"byKey":{"k":{"Skip":"b"}}}}`:            `unknown field "options.byKey.k.Skip"; known fields: Last, first`,
		`{"options":{"hidden":"b"}}`:                          `unknown field "options.hidden"; known fields: ByKey, names, quality`,
		`{"title":7}`:                                         `field "title": want string, got number`,
		`{"options":{"quality":"high"}}`:                      `field "options.quality": want int, got string`,
		`[]`:                                                  `field "(the input)": want object, got array`,
		`{} {}`:                                               `the input cannot be decoded: invalid character '{' after top-level value`,
		``:                                                    `the input cannot be decoded: unexpected end of JSON input`,
	} {
		var r request
		err := sdk.Decode([]byte(input), &r)
		if want == "" {
			if err != nil {
				t.Errorf("%s: %v", input, err)
			}
			continue
		}
		if status.Code(err) != codes.InvalidArgument || status.Convert(err).Message() != want {
			t.Errorf("%s:\n got %v\nwant %s", input, err, want)
		}
	}
}

// Whatever the input, Decode ends in a value or an error about the input, and
// accepts nothing that encoding/json's strict decoder refuses.
func FuzzDecode(f *testing.F) {
	f.Add(`{"title":"x","options":{"quality":1,"names":[{"first":"a"}]}}`)
	f.Add(`{"options":{"byKey":{"k":{"Skip":"b"}}}}`)
	f.Fuzz(func(t *testing.T, input string) {
		var r request
		err := sdk.Decode([]byte(input), &r)
		if err != nil {
			if status.Code(err) != codes.InvalidArgument {
				t.Errorf("%q: %v", input, err)
			}
			return
		}
		strict := json.NewDecoder(strings.NewReader(input))
		strict.DisallowUnknownFields()
		var oracle request
		if err := strict.Decode(&oracle); err != nil {
			t.Errorf("%q is accepted, but %v", input, err)
		}
	})
}

func TestRunNeedsAHost(t *testing.T) {
	if sdk.Hosted() {
		t.Fatal("the test believes to be a plugin")
	}
	if err := sdk.Run(context.Background(), sdk.Plugin{Name: "x"}); !errors.Is(err, sdk.ErrNoHost) {
		t.Errorf("%v", err)
	}
}

// A plugin started by hand says what it is and how to use it.
func TestStartedByHand(t *testing.T) {
	program := filepath.Join(t.TempDir(), "testplugin")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", program, "../internal/testplugin").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	cmd := exec.CommandContext(t.Context(), program)
	cmd.Env = os.Environ()
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 1 {
		t.Errorf("exit: %v", err)
	}
	const want = "test 1.2.3 is a Roster plugin and runs inside a Roster host: put it into a folder with a plugin.yaml that names it, and start: roster up --plugins FOLDER\n"
	if string(out) != want {
		t.Errorf("got  %q\nwant %q", out, want)
	}
}

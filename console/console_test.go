package console_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"runtime"
	"testing"

	"github.com/roster-go/roster"
	"github.com/roster-go/roster/console"
	"github.com/roster-go/roster/internal/assert"
)

type answer struct {
	Error      string
	Known      []string
	Registries []struct {
		Name, Type, Lifecycle string
		Size                  int
		Sealed                *struct{ File string }
		Entries               []struct {
			Name, Type string
			Hits       uint64
			Registered struct{ File, Package, Module string }
			Overrides  *struct {
				Type       string
				Registered struct{ Line int }
			}
		}
		Lookups, Registrations, Reloads []struct {
			Name, Outcome string
			Count         uint64
		}
		Missed []struct {
			Name      string
			Nearest   []string
			Suggested string
			Providers []struct{ Import string }
		}
		Changes []struct {
			Version                  uint64
			Added, Replaced, Removed []string
			More                     int
		}
		Holders []struct {
			Name, Label string
			Stuck       bool
		}
		Stuck *struct{ Values int }
		Page  shownPage
	}
	Page shownPage
}

type shownPage struct {
	Offset, Shown, Total int
	Next                 *int
}

func get(t *testing.T, d *roster.Directory, path string) (int, answer) {
	t.Helper()
	w := httptest.NewRecorder()
	console.Handler(d).ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
	assert.Equal(t, w.Header().Get("Content-Type"), "application/json; charset=utf-8")
	var a answer
	assert.NoError(t, json.Unmarshal(w.Body.Bytes(), &a))
	return w.Code, a
}

func TestHandlerShowsEveryRegistry(t *testing.T) {
	t.Parallel()
	d := roster.NewDirectory()
	codecs := roster.New[string](roster.Named("codecs/v2"), roster.In(d))
	routes := roster.NewHot[int](roster.Named("routes"), roster.In(d))
	codecs.Register("json", "a codec")
	codecs.Get("json")
	codecs.Get("yaml")
	assert.NoError(t, routes.Reload(map[string]int{"/": 1}))

	code, index := get(t, d, "/debug/registry")
	assert.Equal(t, code, http.StatusOK)
	assert.Equal(t, len(index.Registries), 2)
	assert.Equal(t, index.Registries[0].Name, "codecs/v2")
	assert.Equal(t, index.Registries[0].Lifecycle, "startup-only")
	assert.Equal(t, index.Registries[1].Lifecycle, "hot")
	assert.Equal(t, index.Registries[1].Size, 1)

	code, one := get(t, d, "/debug/registry/codecs/v2")
	assert.Equal(t, code, http.StatusOK)
	entry := one.Registries[0].Entries[0]
	assert.Equal(t, entry.Name, "json")
	assert.Equal(t, entry.Type, "string")
	assert.Equal(t, entry.Hits, uint64(1))
	assert.Contains(t, entry.Registered.File, "console_test.go")
	assert.Equal(t, entry.Registered.Module, "github.com/roster-go/roster")
	lookups := one.Registries[0].Lookups
	assert.Equal(t, len(lookups), 2)
	assert.Equal(t, lookups[1].Name, "yaml")
	assert.Equal(t, lookups[1].Outcome, "miss")

	code, routesAnswer := get(t, d, "/debug/registry/routes")
	assert.Equal(t, code, http.StatusOK)
	assert.Equal(t, routesAnswer.Registries[0].Reloads[0].Outcome, "success")
	runtime.KeepAlive(codecs) // a registry that nobody holds leaves the directory
	runtime.KeepAlive(routes)
}

func TestHandlerNamesWhatIsKnown(t *testing.T) {
	t.Parallel()
	d := roster.NewDirectory()
	codecs := roster.New[string](roster.Named("codecs"), roster.In(d))
	code, a := get(t, d, "/debug/registry/codec")
	assert.Equal(t, code, http.StatusNotFound)
	assert.Equal(t, a.Error, `no registry is called "codec"; did you mean "codecs"?; GET /debug/registry lists them`)
	assert.Equal(t, a.Known, []string{codecs.Name()})
}

func TestHandlerOnlyReads(t *testing.T) {
	t.Parallel()
	w := httptest.NewRecorder()
	console.Handler(nil).ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/debug/registry", nil))
	assert.Equal(t, w.Code, http.StatusMethodNotAllowed)
}

func TestHandlerShowsWhatIsSealedAndOverridden(t *testing.T) {
	t.Parallel()
	d := roster.NewDirectory()
	codecs := roster.New[any](roster.Named("codecs"), roster.In(d))
	codecs.Register("gzip", "the library's")
	_, open := get(t, d, "/debug/registry/codecs")
	assert.True(t, open.Registries[0].Sealed == nil, "the registry is open")
	assert.True(t, open.Registries[0].Entries[0].Overrides == nil, "nothing is overridden")

	assert.NoError(t, codecs.Override("gzip", 7))
	codecs.Seal()
	_, closed := get(t, d, "/debug/registry/codecs")
	assert.Contains(t, closed.Registries[0].Sealed.File, "console_test.go")
	entry := closed.Registries[0].Entries[0]
	assert.Equal(t, []string{entry.Type, entry.Overrides.Type}, []string{"int", "string"})
	assert.True(t, entry.Overrides.Registered.Line > 0, "the place of what is overridden")
	runtime.KeepAlive(codecs)
}

func TestHandlerShowsWhatIsSuspended(t *testing.T) {
	t.Parallel()
	d := roster.NewDirectory()
	r := roster.New[int](roster.In(d), roster.Named("codecs"))
	r.Register("gob", 1)
	d.Suspend("codecs", "gob", errors.New("it leaks"))
	w := httptest.NewRecorder()
	console.Handler(d).ServeHTTP(w, httptest.NewRequest(http.MethodGet, console.Path+"/codecs", nil))
	var shown struct {
		Registries []struct {
			Size, Suspended int
			Entries         []struct {
				Suspended *struct {
					Why string
					By  struct{ File string }
				}
			}
		}
	}
	assert.NoError(t, json.Unmarshal(w.Body.Bytes(), &shown))
	found := shown.Registries[0]
	assert.Equal(t, [2]int{found.Size, found.Suspended}, [2]int{0, 1})
	assert.Equal(t, found.Entries[0].Suspended.Why, "it leaks")
	assert.True(t, found.Entries[0].Suspended.By.File != "", "who suspended it")
	runtime.KeepAlive(r)
}

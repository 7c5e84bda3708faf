package discovery_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/roster-go/roster"
	"github.com/roster-go/roster/discovery"
	"github.com/roster-go/roster/internal/assert"
)

func TestInstanceValidate(t *testing.T) {
	valid := func(change func(*discovery.Instance)) discovery.Instance {
		instance := discovery.Instance{Service: "mail", ID: "a", Address: "10.0.0.1:80"}
		change(&instance)
		return instance
	}
	tests := []struct {
		name   string
		change func(*discovery.Instance)
		field  string // "" if the instance is valid
	}{
		{"least", func(*discovery.Instance) {}, ""},
		{"unicode and spaces inside", func(i *discovery.Instance) { i.Service, i.ID = "größe 1", "host #7" }, ""},
		{"slashes where they may be", func(i *discovery.Instance) { i.Address, i.Region = "http://x/y", "eu/1" }, ""},
		{"no service", func(i *discovery.Instance) { i.Service = "" }, "Service"},
		{"slash in service", func(i *discovery.Instance) { i.Service = "a/b" }, "Service"},
		{"relative service", func(i *discovery.Instance) { i.Service = ".." }, "Service"},
		{"space around service", func(i *discovery.Instance) { i.Service = "a " }, "Service"},
		{"long service", func(i *discovery.Instance) { i.Service = strings.Repeat("é", 129) }, "Service"},
		{"no id", func(i *discovery.Instance) { i.ID = "" }, "ID"},
		{"relative id", func(i *discovery.Instance) { i.ID = "." }, "ID"},
		{"control character in id", func(i *discovery.Instance) { i.ID = "a\x00b" }, "ID"},
		{"id is not UTF-8", func(i *discovery.Instance) { i.ID = "\xff" }, "ID"},
		{"no address", func(i *discovery.Instance) { i.Address = "" }, "Address"},
		{"line break in address", func(i *discovery.Instance) { i.Address = "a:1\nb:2" }, "Address"},
		{"line break in zone", func(i *discovery.Instance) { i.Zone = "a\n" }, "Zone"},
		{"version is not UTF-8", func(i *discovery.Instance) { i.Version = "\xff" }, "Version"},
		{"empty metadata key", func(i *discovery.Instance) { i.Metadata = map[string]string{"": "x"} }, "Metadata"},
		{"metadata is not UTF-8", func(i *discovery.Instance) { i.Metadata = map[string]string{"k": "\xff"} }, "Metadata"},
		{"too much metadata", func(i *discovery.Instance) {
			i.Metadata = map[string]string{"k": strings.Repeat("x", discovery.MaxInstanceSize)}
		}, "Metadata"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := valid(tt.change).Validate()
			if tt.field == "" {
				assert.NoError(t, err)
				return
			}
			fault := assert.ErrorAs[*discovery.InstanceError](t, err)
			assert.Equal(t, fault.Field, tt.field)
			assert.True(t, errors.Is(err, discovery.ErrInvalidInstance), "the error is an ErrInvalidInstance")
			assert.True(t, !strings.Contains(err.Error(), "\n"), "an error of one line")
		})
	}
}

func TestByKeyReportsEveryFault(t *testing.T) {
	_, err := discovery.ByKey([]discovery.Instance{
		{Service: "a", ID: "1", Address: "x:1"},
		{Service: "a", ID: "1", Address: "x:2"},
		{Service: "b", ID: "", Address: "x:1"},
	})
	assert.Contains(t, err.Error(), "another instance of the same announcement has it", "it is empty")
}

func TestByKeyCopies(t *testing.T) {
	metadata := map[string]string{"k": "v"}
	byKey, err := discovery.ByKey([]discovery.Instance{{Service: "a", ID: "1", Address: "x:1", Metadata: metadata}})
	assert.NoError(t, err)
	metadata["k"] = "changed"
	assert.Equal(t, byKey[discovery.Key{Service: "a", ID: "1"}].Metadata["k"], "v")
}

// A service that is valid here must be a valid name in the registry that holds the view.
func FuzzValidServiceIsARegistryName(f *testing.F) {
	for _, seed := range []string{"mail", "größe 1", "\u00a0x", "a\u2028b", "\u00ad", "..", strings.Repeat("x", 257)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, service string) {
		if (discovery.Key{Service: service, ID: "a"}).Validate() != nil {
			return
		}
		registry := roster.NewHot[int](roster.In(roster.NewDirectory()))
		if err := registry.TryRegister(service, 1); err != nil {
			t.Fatalf("a valid service is no name of a registry: %v", err)
		}
	})
}

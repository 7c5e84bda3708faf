package sdk

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"

	"google.golang.org/grpc"

	pluginv1 "github.com/roster-go/roster/plugin/gen/roster/plugin/v1"
)

// Plugin says what a program is.
type Plugin struct {
	Name    string
	Version string
	// APIVersion is the contract with the host that the plugin is written for:
	// v1 if empty.
	APIVersion string
}

// An Option is a part of a plugin: something it serves, its config, or a hook. Create
// one with [Func], [Service], [Config], [OnInit], [OnHealth] or [OnShutdown].
type Option func(*definition) error

// A definition is a plugin put together.
type definition struct {
	plugin    Plugin
	log       *slog.Logger
	functions map[string]function
	services  []service
	declared  []*pluginv1.Capability

	configSchema []byte
	configure    func(ctx context.Context, raw []byte) error // nil without Config

	onInit     func(context.Context, json.RawMessage) error
	onHealth   func(context.Context) error
	onShutdown func(context.Context) error
}

type function func(ctx context.Context, input []byte) ([]byte, error)

type service struct {
	desc *grpc.ServiceDesc
	impl any
}

func define(p Plugin, log *slog.Logger, options []Option) (*definition, error) {
	if p.APIVersion == "" {
		p.APIVersion = "v1"
	}
	d := &definition{
		plugin:     p,
		log:        log,
		functions:  map[string]function{},
		onInit:     func(context.Context, json.RawMessage) error { return nil },
		onHealth:   func(context.Context) error { return nil },
		onShutdown: func(context.Context) error { return nil },
	}
	for _, option := range options {
		if err := option(d); err != nil {
			return nil, fmt.Errorf("sdk: plugin %q: %w", p.Name, err)
		}
	}
	return d, nil
}

func (d *definition) addFunction(declared *pluginv1.Capability, f function) error {
	name := declared.GetName()
	if _, taken := d.functions[name]; taken || name == "" {
		return fmt.Errorf("capability %q is defined twice or has no name; give each function its own", name)
	}
	d.functions[name] = f
	d.declared = append(d.declared, declared)
	return nil
}

// Service serves a gRPC service under its full name, for example
//
//	sdk.Service(&notesv1.NoteService_ServiceDesc, &notes{})
//
// where impl implements the generated server interface. A panic in it is
// answered with the code Internal and logged.
//
// Methods with the option idempotency_level (IDEMPOTENT or NO_SIDE_EFFECTS) in the
// .proto file are declared idempotent: a call of theirs may be run again on another
// process if the first one is lost.
func Service(desc *grpc.ServiceDesc, impl any) Option {
	return func(d *definition) error {
		for _, s := range d.services {
			if s.desc.ServiceName == desc.ServiceName {
				return fmt.Errorf("service %q is defined twice; remove one", desc.ServiceName)
			}
		}
		d.services = append(d.services, service{desc, impl})
		d.declared = append(d.declared, declaredService(desc))
		return nil
	}
}

// OnInit sets what runs before the first call, with the plugin's config as a JSON
// object. An error keeps the plugin from being started. A config with a type is
// better read with [Config].
func OnInit(f func(ctx context.Context, config json.RawMessage) error) Option {
	return func(d *definition) error { d.onInit = f; return nil }
}

// OnHealth sets what the host asks every few seconds. After several errors in a
// row, or answers that take too long, it restarts the plugin.
func OnHealth(f func(ctx context.Context) error) Option {
	return func(d *definition) error { d.onHealth = f; return nil }
}

// OnShutdown sets what runs once when the plugin ends in order.
func OnShutdown(f func(ctx context.Context) error) Option {
	return func(d *definition) error { d.onShutdown = f; return nil }
}

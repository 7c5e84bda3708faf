package sdk

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/roster-go/roster"
	"github.com/roster-go/roster/factory"
)

// Config gives the plugin a config of the type C, a struct with the tags of package
// factory. Its JSON Schema is declared to the host, which refuses a config that does
// not fit before the plugin sees it; a [factory.Secret] may then be a reference to a
// file or to a variable of the host's environment.
//
// Apply gets the config before the first call, and again each time it changes while
// the plugin serves, concurrently with calls. If it returns an error then, the plugin
// goes on with the config that it had: apply must not change anything before it is
// sure to succeed. It runs before [OnInit].
func Config[C any](defaults C, apply func(ctx context.Context, config C) error) Option {
	return func(d *definition) error {
		const name = "config"
		configs := roster.NewHot[*factory.Factory[*C]](roster.Named("config"), roster.In(roster.NewDirectory()))
		if err := factory.TryRegister(configs, name, func(_ context.Context, c C) (*C, error) { return &c, nil },
			factory.Defaults(defaults)); err != nil {
			return fmt.Errorf("its config: %w", err)
		}
		schema, err := factory.Schema(configs, name)
		if err != nil {
			return fmt.Errorf("its config: %w", err)
		}
		d.configSchema = schema
		d.configure = func(ctx context.Context, raw []byte) error {
			config, err := factory.FromJSON(ctx, configs, name, raw)
			if err != nil {
				return status.Error(codes.InvalidArgument, configFaults(err))
			}
			return apply(ctx, *config)
		}
		return nil
	}
}

// configFaults is an error of the decoder in one line.
func configFaults(err error) string {
	faulty, ok := errors.AsType[*factory.ConfigError](err)
	if !ok {
		return err.Error()
	}
	var texts []string
	for _, f := range faulty.Faults {
		texts = append(texts, f.Error())
	}
	if faulty.More > 0 {
		texts = append(texts, fmt.Sprintf("and %d more", faulty.More))
	}
	return strings.Join(texts, "; ")
}

// configured applies a config; a panic in apply is an error.
func (s *server) configured(ctx context.Context, raw json.RawMessage) (err error) {
	if s.configure == nil {
		return nil
	}
	defer func() {
		if v := recover(); v != nil {
			err = s.panicked("the plugin's Config function", v)
		}
	}()
	return s.configure(ctx, raw)
}

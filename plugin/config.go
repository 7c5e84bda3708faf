package plugin

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"strings"

	"google.golang.org/grpc/status"

	pluginv1 "github.com/roster-go/roster/plugin/gen/roster/plugin/v1"
)

// A ConfigError reports a config that a plugin did not get: it does not fit the
// schema that the plugin declares, or a secret of it cannot be read. It tells no value.
type ConfigError struct {
	Plugin string
	Source string // descriptor file
	Faults []ConfigFault
}

// A ConfigFault is one thing that is wrong with a config.
type ConfigFault struct {
	Field   string // for example "servers[1].port"; empty for the config as a whole
	Problem string // as a clause
}

func (e *ConfigError) Error() string {
	const shown = 8
	texts := make([]string, len(e.Faults))
	for i, f := range e.Faults {
		texts[i] = f.String()
	}
	list := strings.Join(texts[:min(shown, len(texts))], "; ")
	if more := len(texts) - shown; more > 0 {
		list += fmt.Sprintf("; and %d more", more)
	}
	return fmt.Sprintf("plugin: %s: config of plugin %q: %s; correct it in the host's config.plugins.%s or in the descriptor",
		e.Source, e.Plugin, list, e.Plugin)
}

func (f ConfigFault) String() string {
	if f.Field == "" {
		return f.Problem
	}
	return fmt.Sprintf("field %q: %s", f.Field, f.Problem)
}

// configFor is the config of a plugin as it is written: that of its descriptor, with
// the host's own merged into it.
func (h *Host) configFor(d Descriptor) (json.RawMessage, error) {
	if h.configs == nil {
		return d.Config, nil
	}
	patch, ok := find(h.configs, d.Name)
	if !ok {
		return d.Config, nil
	}
	fault := func(problem string) error {
		return &ConfigError{Plugin: d.Name, Source: d.Source, Faults: []ConfigFault{{"", problem}}}
	}
	over, err := parseJSON(patch)
	if err != nil {
		return nil, fault("what the host has for it is not JSON" + jsonFault(patch))
	}
	if _, isObject := over.(map[string]any); !isObject {
		return nil, fault("what the host has for it is not a JSON object")
	}
	base, err := parseJSON(d.Config)
	if err != nil { // a normalized descriptor has no such config
		return nil, fault(err.Error())
	}
	merged, err := json.Marshal(mergePatch(base, over))
	if err != nil {
		return nil, fault(err.Error())
	}
	return merged, nil
}

// parseJSON keeps numbers as they are written.
func parseJSON(text []byte) (any, error) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var v any
	if err := decoder.Decode(&v); err != nil {
		return nil, err //nolint:wrapcheck // the caller says what it is the text of
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("there is more behind the value")
	}
	return v, nil
}

// mergePatch is JSON Merge Patch (RFC 7396): objects are merged, null removes, and
// everything else replaces.
func mergePatch(target, patch any) any {
	fields, ok := patch.(map[string]any)
	if !ok {
		return patch
	}
	base, ok := target.(map[string]any)
	merged := make(map[string]any, len(base)+len(fields))
	if ok {
		maps.Copy(merged, base)
	}
	for name, v := range fields {
		if v == nil {
			delete(merged, name)
			continue
		}
		merged[name] = mergePatch(merged[name], v)
	}
	return merged
}

// readyConfig makes the text that a plugin gets of its config as it is written: the
// secrets are filled in, and the whole is compared with the schema.
func readyConfig(d Descriptor, written json.RawMessage, schemaText []byte) (json.RawMessage, error) {
	if len(schemaText) == 0 {
		return written, nil
	}
	fault := func(faults ...ConfigFault) error {
		return &ConfigError{Plugin: d.Name, Source: d.Source, Faults: faults}
	}
	schema, err := compileSchema(schemaText)
	if err != nil {
		return nil, &StartError{
			Plugin: d.Name, Source: d.Source, Step: "describe", Problem: "the schema of its config cannot be used: " + oneLine(err.Error()),
			Fix: "correct the schema in the plugin", Err: err,
		}
	}
	config, err := parseJSON(written)
	if err != nil {
		return nil, fault(ConfigFault{"", "it is not JSON" + jsonFault(written)})
	}
	var faults []ConfigFault
	secrets := map[string]bool{}
	config = schema.mapSecrets(config, func(field, value string) string {
		secrets[field] = true
		secret, problem := resolveSecret(d, value)
		if problem != "" {
			faults = append(faults, ConfigFault{field, problem})
		}
		return secret
	})
	if faults == nil {
		faults = schema.faults(config, secrets)
	}
	if faults != nil {
		return nil, fault(faults...)
	}
	text, err := json.Marshal(config)
	if err != nil {
		return nil, fault(ConfigFault{"", err.Error()})
	}
	return text, nil
}

// maxSecret bounds the file of a secret, in bytes.
const maxSecret = 64 << 10

// resolveSecret reads what a reference stands for. Other texts stand for themselves.
func resolveSecret(d Descriptor, value string) (secret, problem string) {
	if name, ok := strings.CutPrefix(value, "env:"); ok {
		secret, ok := os.LookupEnv(name)
		if !ok {
			return "", fmt.Sprintf("the host's environment has no variable %q; set it, or name a file with file:PATH", name)
		}
		return secret, ""
	}
	path, ok := strings.CutPrefix(value, "file:")
	if !ok {
		return value, ""
	}
	if !filepath.IsAbs(path) {
		path = filepath.Join(d.Dir, path)
	}
	file, err := os.Open(path)
	if err != nil {
		return "", osFault("its file "+path, err) + "; check the path and its permissions"
	}
	defer func() { _ = file.Close() }()
	text, err := io.ReadAll(io.LimitReader(file, maxSecret+1))
	switch {
	case err != nil:
		return "", osFault("its file "+path, err)
	case len(text) > maxSecret:
		return "", fmt.Sprintf("its file %s is larger than %d bytes", path, maxSecret)
	}
	text = bytes.TrimSuffix(text, []byte("\n"))
	return string(bytes.TrimSuffix(text, []byte("\r"))), ""
}

// followConfigs tells the plugins when the host's config of theirs may have changed.
func (h *Host) followConfigs(ctx context.Context) {
	for range h.configs.Changes(ctx, h.configs.Version()) {
		for _, s := range h.plugins.All() {
			select {
			case s.configChanged <- struct{}{}:
			default: // it has been told and has not looked yet
			}
		}
	}
}

// reconfigure brings the config of a process in line with what the host has now:
// by a word to the process if it takes one, and by another process if not. If that
// fails, the old config stays, and the plugin's status says why.
func (s *supervised) reconfigure(ctx context.Context, p *process) {
	if s.d.foreign() {
		return // it takes none
	}
	written, err := s.host.configFor(s.d)
	if err != nil {
		s.note("plugin keeps its old config", err)
		return
	}
	if bytes.Equal(written, p.config) {
		s.reconfigured() // it may have gone back from one that was refused
		return
	}
	if bytes.Equal(written, p.refused) {
		return
	}
	ready, err := readyConfig(s.d, written, p.declared.GetConfigSchema())
	if err != nil {
		p.refused = written
		s.note("plugin keeps its old config", err)
		return
	}
	if !p.declared.GetReconfigures() {
		p.refused = written // by this process; should the other not start, it is not tried again until it changes
		s.host.replacements.Go(func() {
			ctx, cancel := context.WithTimeout(context.Background(), s.host.startTimeout+s.host.stopGrace)
			defer cancel()
			_ = s.host.replace(ctx, s, s.d) // its failure is noted in the status
		})
		return
	}
	ctx, cancel := context.WithTimeout(ctx, s.host.startTimeout)
	defer cancel()
	_, err = p.plugin.Reconfigure(ctx, &pluginv1.ReconfigureRequest{Config: ready})
	if err != nil {
		p.refused = written
		s.note("plugin keeps its old config", &ConfigError{
			Plugin: s.d.Name, Source: s.d.Source,
			Faults: []ConfigFault{{"", "the plugin refused it: " + oneLine(status.Convert(err).Message())}},
		})
		return
	}
	p.config, p.refused = written, nil
	s.reconfigured()
	s.log.Info("plugin reconfigured", "pid", p.pid())
}

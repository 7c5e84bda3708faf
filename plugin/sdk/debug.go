package sdk

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"

	"google.golang.org/grpc"

	pluginv1 "github.com/roster-go/roster/plugin/gen/roster/plugin/v1"
	"github.com/roster-go/roster/plugin/internal/handshake"
)

// DebugVariable names the environment variable with which a plugin is started by hand, in
// a debugger for example, for a host to attach to: its value is the path of the socket
// to listen on, or 1 for one in the folder for temporary files. The plugin prints the
// descriptor for it, which has the field attach.
const DebugVariable = handshake.Debug

// serveDebug serves on a socket that a host attaches to, until ctx ends. Each host that
// attaches hands over a config, and may come again.
func (s *server) serveDebug(ctx context.Context, path string) error {
	if path == "1" {
		path = filepath.Join(os.TempDir(), "roster-debug-"+s.plugin.Name+".sock")
	}
	if err := os.Remove(path); err != nil && !os.IsNotExist(err) {
		return fmt.Errorf("sdk: plugin %q: socket for a debugged plugin: %w", s.plugin.Name, err)
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "unix", path)
	if err != nil {
		return fmt.Errorf("sdk: plugin %q: socket for a debugged plugin: %w; give another path in $%s", s.plugin.Name, err, DebugVariable)
	}
	const ownerOnly = 0o600
	if err := os.Chmod(path, ownerOnly); err != nil {
		_ = listener.Close()
		return fmt.Errorf("sdk: plugin %q: socket for a debugged plugin: %w", s.plugin.Name, err)
	}
	names := make([]string, len(s.declared))
	for i, c := range s.declared {
		names[i] = c.GetName()
		if c.GetKind() == pluginv1.Kind_KIND_SERVICE {
			names[i] = fmt.Sprintf("{name: %s, kind: service}", c.GetName())
		}
	}
	fmt.Printf("attach to it with this %s:\n\nname: %s\napi_version: %s\nattach: %s\ncapabilities: [%s]\n\n", //nolint:forbidigo // for the person who debugs
		"plugin.yaml", s.plugin.Name, s.plugin.APIVersion, path, strings.Join(names, ", "))

	s.grpc = grpc.NewServer(s.options()...)
	if err := s.GRPCServer(nil, s.grpc); err != nil {
		return err
	}
	ended := context.AfterFunc(ctx, s.end)
	defer ended()
	if err := s.grpc.Serve(listener); err != nil && ctx.Err() == nil {
		return fmt.Errorf("sdk: plugin %q: %w", s.plugin.Name, err)
	}
	return nil
}

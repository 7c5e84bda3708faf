//go:build unix

package plugin

import (
	"fmt"
	"os"
	"path/filepath"
)

// checkAccess refuses a plugin whose descriptor, program, or their folders everybody may
// write to: who can do that can run what he likes as the host.
func (d Descriptor) checkAccess() error {
	paths := []string{d.program(), filepath.Dir(d.program())}
	if d.Dir != "" {
		paths = append(paths, d.Source, d.Dir)
	}
	for _, path := range paths {
		info, err := os.Stat(path)
		if err != nil {
			continue // what must be there is looked at elsewhere
		}
		const others, sticky = 0o002, os.ModeSticky
		if info.Mode().Perm()&others != 0 && info.Mode()&sticky == 0 {
			return d.fault("command", fmt.Sprintf("everybody may write to %s, and so run what they like as this host's user", path),
				"run: chmod o-w "+shellQuote(path))
		}
	}
	return nil
}

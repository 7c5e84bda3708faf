package daemon

import (
	"errors"
	"log/slog"

	"github.com/roster-go/roster/cmd/roster/internal/access"
)

// Check reports what a daemon with a config would refuse before it does anything: settings that cannot be
// used or do not go together, and files that it cannot read. It touches no port, no network and no data,
// and does not start plugins. The config is completed with its defaults. Problems that do not hide each
// other are reported together; each is a [ConfigError].
func (c *Config) Check() error {
	if err := c.complete(); err != nil {
		return err
	}
	_, err := c.pluginEntries()
	problems := []error{err, c.Etcd.check("etcd"), c.Regions.Strong.check("regions.strong"), c.Access.check()}
	if _, err := c.Regions.tls(); err != nil {
		problems = append(problems, err)
	} else if c.Host != "" { // the default one is known once the daemon has a port
		problems = append(problems, c.checkCertificate())
	}
	return errors.Join(problems...)
}

// check reads the files that are for an external cluster, if there is one.
func (e *EtcdConfig) check(setting string) error {
	if len(e.Endpoints) == 0 {
		return nil
	}
	options, err := e.DialOptions(slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	if err := options.Check(e.Endpoints); err != nil {
		return &ConfigError{setting, err.Error(), err}
	}
	return nil
}

// check reads the files of access.
func (a *AccessConfig) check() error {
	if _, err := a.tls(); err != nil {
		return err
	}
	if _, err := a.peerOptions(); err != nil {
		return err
	}
	if err := a.checkPeerToken(); err != nil {
		return err
	}
	if a.TokensFile == "" {
		return nil
	}
	if _, err := access.OpenTokens(a.TokensFile); err != nil {
		return &ConfigError{"access.tokens_file", err.Error(), err}
	}
	return nil
}

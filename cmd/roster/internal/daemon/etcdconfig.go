package daemon

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"

	"github.com/roster-go/roster/etcd"
)

// external names the first setting that is for an external cluster only; "" if none is set.
func (e *EtcdConfig) external() string {
	for _, setting := range []struct{ name, value string }{
		{"etcd.ca_file", e.CAFile},
		{"etcd.cert_file", e.CertFile},
		{"etcd.key_file", e.KeyFile},
		{"etcd.username", e.Username},
		{"etcd.password_file", e.PasswordFile},
		{"etcd.prefix", e.Prefix},
	} {
		if setting.value != "" {
			return setting.name
		}
	}
	return ""
}

// DialOptions are how to reach the external cluster.
func (e *EtcdConfig) DialOptions(log *slog.Logger) (etcd.DialOptions, error) {
	const later = -1 // a program starts while etcd is away, and joins when it is back
	options := etcd.DialOptions{
		CAFile: e.CAFile, CertFile: e.CertFile, KeyFile: e.KeyFile, Username: e.Username, Timeout: later, Logger: log,
	}
	if (e.Username == "") != (e.PasswordFile == "") {
		return options, &ConfigError{"etcd.password_file", "a user and the file with the password go together; give both or neither", nil}
	}
	if e.PasswordFile == "" {
		return options, nil
	}
	password, err := readSecret(e.PasswordFile)
	if err != nil {
		return options, &ConfigError{"etcd.password_file", err.Error(), err}
	}
	options.Password = password
	return options, nil
}

// readSecret reads a file that nobody else may read. White space at its end is not part of
// the secret.
func readSecret(path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", fmt.Errorf("cannot read the file: %w", err)
	}
	const others = 0o077
	if info.Mode().Perm()&others != 0 {
		return "", fmt.Errorf("%s can be read by others (mode %04o); chmod 600 it", path, info.Mode().Perm())
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("cannot read the file: %w", err)
	}
	secret := strings.TrimRight(string(text), " \t\r\n")
	if secret == "" {
		return "", errors.New("the file is empty")
	}
	return secret, nil
}

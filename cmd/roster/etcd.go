package main

import (
	"github.com/spf13/pflag"

	"github.com/roster-go/roster/cmd/roster/internal/daemon"
)

// addEtcdFlags adds the flags that say how to reach an etcd cluster.
func addEtcdFlags(flags *pflag.FlagSet, config *daemon.EtcdConfig, endpoints string) {
	flags.StringSliceVar(&config.Endpoints, "etcd", nil, endpoints)
	flags.StringVar(&config.CAFile, "etcd-ca", "", "PEM `FILE` of the authority that signed the cluster's certificates")
	flags.StringVar(&config.CertFile, "etcd-cert", "", "PEM `FILE` of the client certificate for the cluster")
	flags.StringVar(&config.KeyFile, "etcd-key", "", "PEM `FILE` of its key")
	flags.StringVar(&config.Username, "etcd-user", "", "`NAME` of the user in the cluster")
	flags.StringVar(&config.PasswordFile, "etcd-password-file", "", "`FILE` with the user's password, readable for its owner alone")
}

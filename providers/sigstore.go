package providers

import "github.com/roster-go/roster"

const sigstore = "github.com/sigstore/sigstore/pkg/signature/kms"

// SigstoreKMS has the key management services of Sigstore: how the reference of a
// key begins.
func SigstoreKMS() roster.Catalogue { return sigstoreKMS.catalogue() }

var sigstoreKMS = listing{
	name:     "sigstore-kms",
	title:    "Sigstore key management services",
	owner:    sigstore,
	register: []string{"AddProvider"},
	rows: []row{
		{"awskms://", sigstore + "/aws", ""},
		{"azurekms://", sigstore + "/azure", ""},
		{"gcpkms://", sigstore + "/gcp", ""},
		{"hashivault://", sigstore + "/hashivault", ""},
	},
}

package providers

import "github.com/roster-go/roster"

const clientGo = "k8s.io/client-go/"

// KubernetesAuth has the authentication plugins of Kubernetes' client: the names
// that a kubeconfig's auth-provider holds.
func KubernetesAuth() roster.Catalogue { return kubernetesAuth.catalogue() }

var kubernetesAuth = listing{
	name:     "kubernetes-auth",
	title:    "Kubernetes authentication plugins",
	owner:    clientGo + "rest",
	register: []string{"RegisterAuthProviderPlugin"},
	rows: []row{
		{"azure", clientGo + "plugin/pkg/client/auth/azure", "only says what replaces it: the credential plugin kubelogin"},
		{"gcp", clientGo + "plugin/pkg/client/auth/gcp", "only says what replaces it: the credential plugin gke-gcloud-auth-plugin"},
		{"oidc", clientGo + "plugin/pkg/client/auth/oidc", ""},
	},
}

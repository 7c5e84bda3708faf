package deploy

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io"
	"math/big"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"
)

// kinds are what manifests are decoded into. A PodMonitor is of somebody else, and checked as far as Roster
// depends on it.
var kinds = map[string]func() any{
	"Namespace":           func() any { return new(corev1.Namespace) },
	"ConfigMap":           func() any { return new(corev1.ConfigMap) },
	"Service":             func() any { return new(corev1.Service) },
	"StatefulSet":         func() any { return new(appsv1.StatefulSet) },
	"PodDisruptionBudget": func() any { return new(policyv1.PodDisruptionBudget) },
	"NetworkPolicy":       func() any { return new(networkingv1.NetworkPolicy) },
	"PodMonitor":          func() any { return new(podMonitor) },
	"Kustomization":       func() any { return new(kustomization) },
}

type podMonitor struct {
	APIVersion, Kind string
	Metadata         map[string]any
	Spec             struct {
		Selector            map[string]any
		PodMetricsEndpoints []struct {
			Port, Scheme, Path, Interval string
			Relabelings                  []struct {
				TargetLabel, Replacement string
				SourceLabels             []string
			}
			TLSConfig map[string]any `json:"tlsConfig"`
		}
	}
}

type kustomization struct {
	APIVersion, Kind, Namespace string
	Resources                   []string
}

// manifests decodes every manifest, and refuses fields that its kind does not have.
func manifests(t *testing.T) []any {
	t.Helper()
	var all []any
	for _, path := range glob(t, "kubernetes/*.yaml") {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		documents := utilyaml.NewDocumentDecoder(io.NopCloser(bytes.NewReader(text)))
		for {
			document := make([]byte, len(text))
			n, err := documents.Read(document)
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatalf("%s: %v", path, err)
			}
			var kind struct{ Kind string }
			if err := yaml.Unmarshal(document[:n], &kind); err != nil || kinds[kind.Kind] == nil {
				t.Fatalf("%s: the kind %q is unknown: %v", path, kind.Kind, err)
			}
			object := kinds[kind.Kind]()
			if err := yaml.UnmarshalStrict(document[:n], object); err != nil {
				t.Errorf("%s: %s: %v", path, kind.Kind, err)
			}
			all = append(all, object)
		}
	}
	return all
}

func statefulSets(t *testing.T) []*appsv1.StatefulSet {
	t.Helper()
	var sets []*appsv1.StatefulSet
	for _, m := range manifests(t) {
		if set, ok := m.(*appsv1.StatefulSet); ok {
			sets = append(sets, set)
		}
	}
	if len(sets) != 2 {
		t.Fatalf("there are %d stateful sets, want the daemons and the hub", len(sets))
	}
	return sets
}

// The standard "restricted" of Kubernetes for pods, and a root folder that is read-only.
func TestPodsAreRestricted(t *testing.T) {
	t.Parallel()
	yes := func(b *bool) bool { return b != nil && *b }
	for _, set := range statefulSets(t) {
		spec := set.Spec.Template.Spec
		pod := spec.SecurityContext
		if pod == nil || !yes(pod.RunAsNonRoot) || pod.SeccompProfile == nil || pod.SeccompProfile.Type != corev1.SeccompProfileTypeRuntimeDefault ||
			spec.HostNetwork || spec.HostPID || spec.HostIPC || spec.AutomountServiceAccountToken == nil || *spec.AutomountServiceAccountToken {
			t.Errorf("%s: the pod is not restricted", set.Name)
		}
		for _, c := range spec.Containers {
			s := c.SecurityContext
			if s == nil || s.AllowPrivilegeEscalation == nil || *s.AllowPrivilegeEscalation || !yes(s.ReadOnlyRootFilesystem) ||
				s.Capabilities == nil || !slices.Equal(s.Capabilities.Drop, []corev1.Capability{"ALL"}) || len(s.Capabilities.Add) > 0 || c.Resources.Limits.Memory().IsZero() {
				t.Errorf("%s: the container %s is not restricted", set.Name, c.Name)
			}
			for path, probe := range map[string]*corev1.Probe{"/healthz": c.LivenessProbe, "/readyz": c.ReadinessProbe} {
				if probe == nil || probe.HTTPGet == nil || probe.HTTPGet.Path != path || probe.HTTPGet.Scheme != corev1.URISchemeHTTPS {
					t.Errorf("%s: the probe of %s is missing", set.Name, path)
				}
			}
		}
		if selector := set.Spec.Selector; selector == nil || !contains(set.Spec.Template.Labels, selector.MatchLabels) {
			t.Errorf("%s does not select its own pods", set.Name)
		}
	}
}

func contains(labels, wanted map[string]string) bool {
	for name, value := range wanted {
		if labels[name] != value {
			return false
		}
	}
	return true
}

// Selectors of services, budgets and policies match the pods, and the scrape is called as the rules expect.
func TestManifestsFitTogether(t *testing.T) {
	t.Parallel()
	sets := statefulSets(t)
	pods := sets[0].Spec.Template.Labels
	if sets[1].Name == "roster" {
		pods = sets[1].Spec.Template.Labels
	}
	for _, m := range manifests(t) {
		switch m := m.(type) {
		case *corev1.Service:
			if len(m.Spec.Selector) == 0 || !contains(pods, m.Spec.Selector) {
				t.Errorf("the service %s selects no pod", m.Name)
			}
		case *policyv1.PodDisruptionBudget:
			if !contains(pods, m.Spec.Selector.MatchLabels) {
				t.Errorf("the budget %s selects no pod", m.Name)
			}
		case *networkingv1.NetworkPolicy:
			if !contains(pods, m.Spec.PodSelector.MatchLabels) || len(m.Spec.PolicyTypes) != 2 {
				t.Errorf("the policy %s does not hold both ways of the pods", m.Name)
			}
		case *podMonitor:
			for _, endpoint := range m.Spec.PodMetricsEndpoints {
				if endpoint.Path != "/metrics" || endpoint.Relabelings[0].TargetLabel != "job" || endpoint.Relabelings[0].Replacement != "roster" {
					t.Error("the job of the scrape is not roster, as the rules expect")
				}
			}
		case *kustomization:
			for _, resource := range m.Resources {
				if _, err := os.Stat(filepath.Join("kubernetes", resource)); err != nil {
					t.Error(err)
				}
			}
			if len(m.Resources)+1 != len(glob(t, "kubernetes/*.yaml")) {
				t.Errorf("the kustomization has %d resources, not all of the folder", len(m.Resources))
			}
		}
	}
}

// certificate writes a certificate, its key and its authority, which is itself, as cert-manager names them.
func certificate(t *testing.T, folder string, uris ...string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true}
	for _, uri := range uris {
		u, err := url.Parse(uri)
		if err != nil {
			t.Fatal(err)
		}
		template.URIs = append(template.URIs, u)
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	public := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	for name, text := range map[string][]byte{"ca.crt": public, "tls.crt": public, "tls.key": pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})} {
		if err := os.WriteFile(filepath.Join(folder, name), text, 0o440); err != nil { // as in a volume with fsGroup
			t.Fatal(err)
		}
	}
}

// A daemon takes the config of the manifests, with the arguments of each pod, and files as secrets have them.
func TestDaemonsTakeTheirConfig(t *testing.T) {
	t.Parallel()
	var config string
	for _, m := range manifests(t) {
		if m, ok := m.(*corev1.ConfigMap); ok {
			config = m.Data["roster.yaml"]
		}
	}
	for _, set := range statefulSets(t) {
		dir, name := t.TempDir(), set.Name+"-0"
		certificate(t, filepath.Join(dir, "tls"), "roster://runtime/"+name, "roster://operator/"+name, "roster://hub/eu")
		certificate(t, filepath.Join(dir, "etcd"))
		arguments := strings.NewReplacer("$(POD_NAME)", name, "$(POD_IP)", "10.0.0.7", "$(NODE_NAME)", "node-1").
			Replace(strings.Join(set.Spec.Template.Spec.Containers[0].Args, "\n"))
		text := strings.ReplaceAll(config, "/etc/roster/", dir+"/")
		for argument := range strings.SplitSeq(arguments, "\n") {
			flag, value, _ := strings.Cut(strings.TrimPrefix(argument, "--"), "=")
			switch flag {
			case "host", "zone", "listen":
				text += flag + ": " + value + "\n"
			case "advertise":
				text = strings.Replace(text, "access:\n", "access:\n  advertise: "+value+"\n", 1)
			case "control":
				text = strings.Replace(text, "regions:\n", "regions:\n  control: "+value+"\n", 1)
			}
		}
		checkConfig(t, filepath.Join(dir, "roster.yaml"), text)
		// The flags exist, which the config alone does not show.
		if out, err := exec.CommandContext(t.Context(), rosterProgram(t), append(strings.Split(arguments, "\n"), "--help")...).CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", set.Name, err, out)
		}
	}
}

func checkConfig(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(context.WithoutCancel(t.Context()), rosterProgram(t), "config", "check", path).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s\n%s", err, out, text)
	}
}

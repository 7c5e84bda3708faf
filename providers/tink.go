package providers

import "github.com/roster-go/roster"

const (
	tink    = "github.com/tink-crypto/tink-go/v2/"
	tinkKey = "type.googleapis.com/google.crypto.tink."
)

// TinkKeys has the key types of Tink by their type URL, which a keyset holds. The
// packages aead, signature and so on import all key types of their kind.
func TinkKeys() roster.Catalogue { return tinkKeys.catalogue() }

var tinkKeys = listing{
	name:     "tink-keys",
	title:    "Tink key types",
	owner:    tink + "core/registry",
	register: []string{"RegisterKeyManager"},
	rows: []row{
		{tinkKey + "AesCmacKey", tink + "mac/aescmac", ""},
		{tinkKey + "AesCmacPrfKey", tink + "prf/aescmacprf", ""},
		{tinkKey + "AesCtrHmacAeadKey", tink + "aead/aesctrhmac", ""},
		{tinkKey + "AesCtrHmacStreamingKey", tink + "streamingaead/aesctrhmac", ""},
		{tinkKey + "AesGcmHkdfStreamingKey", tink + "streamingaead/aesgcmhkdf", ""},
		{tinkKey + "AesGcmKey", tink + "aead/aesgcm", ""},
		{tinkKey + "AesGcmSivKey", tink + "aead/aesgcmsiv", ""},
		{tinkKey + "AesSivKey", tink + "daead/aessiv", ""},
		{tinkKey + "ChaCha20Poly1305Key", tink + "aead/chacha20poly1305", ""},
		{tinkKey + "EcdsaPrivateKey", tink + "signature/ecdsa", ""},
		{tinkKey + "EcdsaPublicKey", tink + "signature/ecdsa", ""},
		{tinkKey + "EciesAeadHkdfPrivateKey", tink + "hybrid/ecies", ""},
		{tinkKey + "EciesAeadHkdfPublicKey", tink + "hybrid/ecies", ""},
		{tinkKey + "Ed25519PrivateKey", tink + "signature/ed25519", ""},
		{tinkKey + "Ed25519PublicKey", tink + "signature/ed25519", ""},
		{tinkKey + "HkdfPrfKey", tink + "prf/hkdfprf", ""},
		{tinkKey + "HmacKey", tink + "mac/hmac", ""},
		{tinkKey + "HmacPrfKey", tink + "prf/hmacprf", ""},
		{tinkKey + "HpkePrivateKey", tink + "hybrid/hpke", ""},
		{tinkKey + "HpkePublicKey", tink + "hybrid/hpke", ""},
		{tinkKey + "JwtEcdsaPrivateKey", tink + "jwt", ""},
		{tinkKey + "JwtEcdsaPublicKey", tink + "jwt", ""},
		{tinkKey + "JwtHmacKey", tink + "jwt", ""},
		{tinkKey + "JwtMlDsaPrivateKey", tink + "jwt", ""},
		{tinkKey + "JwtMlDsaPublicKey", tink + "jwt", ""},
		{tinkKey + "JwtRsaSsaPkcs1PrivateKey", tink + "jwt", ""},
		{tinkKey + "JwtRsaSsaPkcs1PublicKey", tink + "jwt", ""},
		{tinkKey + "JwtRsaSsaPssPrivateKey", tink + "jwt", ""},
		{tinkKey + "JwtRsaSsaPssPublicKey", tink + "jwt", ""},
		{tinkKey + "KmsEnvelopeAeadKey", tink + "aead", ""},
		{tinkKey + "MlDsaPrivateKey", tink + "signature/mldsa", ""},
		{tinkKey + "MlDsaPublicKey", tink + "signature/mldsa", ""},
		{tinkKey + "PrfBasedDeriverKey", tink + "keyderivation/prfbasedkeyderivation", ""},
		{tinkKey + "RsaSsaPkcs1PrivateKey", tink + "signature/rsassapkcs1", ""},
		{tinkKey + "RsaSsaPkcs1PublicKey", tink + "signature/rsassapkcs1", ""},
		{tinkKey + "RsaSsaPssPrivateKey", tink + "signature/rsassapss", ""},
		{tinkKey + "RsaSsaPssPublicKey", tink + "signature/rsassapss", ""},
		{tinkKey + "SlhDsaPrivateKey", tink + "signature/slhdsa", ""},
		{tinkKey + "SlhDsaPublicKey", tink + "signature/slhdsa", ""},
		{tinkKey + "XAesGcmKey", tink + "aead/xaesgcm", ""},
		{tinkKey + "XChaCha20Poly1305Key", tink + "aead/xchacha20poly1305", ""},
	},
}

// java ExportKeys.java <store.p12> <password> <folder>: each key of the store as <alias>.key.pem and its chain as
// <alias>.pem. keytool can make keys and certificates, but does not give a private key away.
import java.io.FileInputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.util.Base64;
import java.util.Collections;

public class ExportKeys {
  static String pem(String type, byte[] bytes) {
    String body = Base64.getMimeEncoder(64, new byte[] {'\n'}).encodeToString(bytes);
    return "-----BEGIN " + type + "-----\n" + body + "\n-----END " + type + "-----\n";
  }

  public static void main(String[] args) throws Exception {
    char[] password = args[1].toCharArray();
    KeyStore store = KeyStore.getInstance("PKCS12");
    try (FileInputStream in = new FileInputStream(args[0])) {
      store.load(in, password);
    }
    for (String alias : Collections.list(store.aliases())) {
      StringBuilder chain = new StringBuilder();
      for (Certificate each : store.getCertificateChain(alias)) chain.append(pem("CERTIFICATE", each.getEncoded()));
      Files.writeString(Path.of(args[2], alias + ".pem"), chain);
      Files.writeString(
          Path.of(args[2], alias + ".key.pem"), pem("PRIVATE KEY", store.getKey(alias, password).getEncoded()));
    }
  }
}

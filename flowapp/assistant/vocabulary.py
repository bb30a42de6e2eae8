"""What names are made of: short forms, words for the same thing, words of other languages. Tables only; tokens.py reads them.

A group stands on one line or more, up to a semicolon; its first word stands for all.
"""

from __future__ import annotations

#: Short forms after the word they stand for.
SHORT_FORMS = """
    quantity qty qnty; amount amt; address addr adr; description desc descr; number no num nr nbr; message msg;
    image img; picture pic; configuration config cfg conf; user usr; password pwd passwd pass; telephone tel;
    timestamp ts; identifier id ident uid iid uuid guid; document doc; directory dir; reference ref; parameter param arg argument;
    maximum max; minimum; average avg; temperature temp; latitude lat; longitude lng lon long; currency curr ccy;
    customer cust; organisation org organization; application app; environment env; language lang locale;
    database db; repository repo; priority prio; category cat; title ttl; source src; destination dest dst;
    attribute attr; value val; variable var; request req; response resp; error err; second sec; minute mins;
    center centre; color colour; authorization auth; certificate cert; statistic stats stat; previous prev; total tot;
    name nm; date dt; invoice inv; payment pmt pymt; order ord; product prod; department dept; account acct acc;
    balance bal; code cd; transaction tx txn trx; shipped shp shpd; shipment shpmt; received rcvd; percent pct perc;
    temporary tmp; original orig; frequency freq; estimated est; calculated calc; manager mgr; management mgmt;
    specification spec; approved appr; employee emp; birthdate dob birthday; warehouse wh whse; weight wt; height ht;
    signature sig; package pkg; version ver; length len; position pos; coordinate coord; discount disc; delivery dlvry dlv;
    service svc; country ctry; street str; postal plz
"""

#: Words that name the same thing in programs.
SAME = """
    email mail; telephone phone mobile cell; customer client buyer; person people; vendor supplier seller; city town;
    zip postal postcode zipcode; surname last family lastname; forename first given firstname; street road;
    rows row record records entry entries; items item elements; url uri link href permalink; text content body;
    price cost fee; amount sum; quantity count number; created creation; updated modified changed;
    picture image photo; recipient to receiver addressee; sender from; subject topic; tags tag label hashtag;
    directory folder; category kind class; message note; region area zone; location place; currency money;
    start begin; end finish stop; status state; employee staff; company firm organisation;
    summary abstract; comment remark; delete remove; user account member; tax vat; shop store; address mailbox;
    gender sex; resume cv; score rating;  occurrence count; job position vacancy; ticket case;
    booking reservation; warning alert; expiry expiration expires expire; signed signature; commit revision;
    mean average; phase stage; owner holder; reason cause
"""

#: German, French and Spanish after the English word; without accents (ä is ae).
FOREIGN = """
    invoice rechnung rechnungs facture factura; number nummer numero; amount betrag montant importe monto; date datum fecha;
    tax mwst ust umsatzsteuer steuer tva iva impuesto; customer kunde kunden kundin cliente; supplier lieferant lieferanten fournisseur proveedor;
    name nom nombre; forename vorname prenom; surname nachname familienname apellido apellidos; city ort stadt ville ciudad;
    street strasse rue calle; country land pays pais; zip postleitzahl codigopostal; address adresse anschrift direccion;
    telephone telefon handy telefono; email courriel correo; message nachricht mensaje; subject betreff asunto objet sujet;
    currency waehrung devise moneda divisa; recipient empfaenger destinataire destinatario; sender absender expediteur remitente;
    purpose verwendungszweck zweck motif concepto; quantity menge anzahl quantite cantidad; price preis prix precio;
    order bestellung bestell auftrag auftrags commande pedido orden; product produkt artikel produit producto; gross brutto brut bruto;
    net netto neto; total gesamt summe somme; birthdate geburtsdatum geburtstag naissance nacimiento; language sprache langue idioma;
    company firma unternehmen entreprise societe empresa; employee mitarbeiter employe empleado; size groesse taille talla;
    color farbe couleur; weight gewicht poids peso; description beschreibung descripcion; title titel titre titulo; text texto texte;
    status zustand etat estado; note bemerkung notiz remarque nota; file datei fichier archivo; user benutzer utilisateur usuario;
    password passwort contrasena motdepasse; delivery liefer lieferung livraison entrega; payment zahlung zahlungs paiement pago;
    due faellig faelligkeit faelligkeits echeance vencimiento; start beginn debut inicio; end ende fin; year jahr annee ano; month monat mois mes;
    day jour dia; hour stunde heure hora; page seite pagina; picture bild imagen; account konto compte cuenta; bank banque banco;
    salutation anrede civilite; contract vertrag vertrags contrat contrato; item posten; value wert valeur valor;
    discount rabatt remise descuento; weekday wochentag; department abteilung; salary gehalt salaire salario; appointment termin rendezvous cita;
    reason grund raison razon; comment kommentar commentaire comentario; category kategorie categorie categoria; stock bestand lager stocks
"""

#: Words that say little about what a value is; they count less when names are compared.
SAY_LITTLE = (
    "identifier name number quantity value data type date time list text info item items code at on of the is has by in as for "
    "score object latest line raw current amount"
)

#: Endings after which the word before is the head: `first_name` and `first` name the same thing.
TAILS = "name code number value data list field text string at on time date identifier score line type amount"

#: Endings that are often written together with the word before them.
GLUED = ("name", "url", "email", "code", "number", "date", "type")

#: Steps titled with these words answer what their title names: "Get ticket" does, "Classify ticket" does not.
GETTING = (
    "get load read fetch list find query select download parse search open extract collect import look receive build make create "
    "draft write compose generate detect compute calculate sum render pick choose resolve determine derive format prepare translate "
    "filter sort merge join normalise normalize clean enrich validate deduplicate group summarise summarize take ask who"
)

#: Steps titled with these words do something with what their title names, and answer something else.
DOING = (
    "classify send check verify notify delete update analyse analyze rate score count post review approve tag label route log save store "
    "insert upload archive close move rank call trigger publish book charge pay cancel submit convert"
)
